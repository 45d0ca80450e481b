"""Django's deployment check of the referral settings."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def referrer_email_is_not_shown_in_full(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of `full`: anybody who guesses a code gets an e-mail address (CONTRACT 4)."""
    if settings.REFERRAL_REFERRER_EMAIL != "full":
        return []
    return [
        checks.Warning(
            "POST /referral/validate shows the referrer's e-mail to anybody who knows the code.",
            hint="Set REFERRAL_REFERRER_EMAIL to masked or hidden.",
            id="referrals.W001",
        )
    ]
