"""Django's deployment checks of the settings."""

from typing import Any

from django.conf import settings
from django.core import checks

from gatewayz import environment


@checks.register(checks.Tags.security, deploy=True)
def find_what_is_left_out(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of what production would do without, and of what would be open to anybody."""
    has_mail = environment.is_set("EMAIL_URL") and environment.is_set("EMAIL_FROM")
    warnings = {
        # CONTRACT 4
        "gatewayz.W001": (
            not environment.is_set("TRUSTED_PROXIES"),
            "TRUSTED_PROXIES is not set. Behind a reverse proxy all callers then count as one in"
            " the rate limits and at the log-in, and each request as plain HTTP.",
            "Set it to the addresses of your proxies, or to none if callers connect directly.",
        ),
        "gatewayz.W002": (
            not has_mail,
            "EMAIL_URL or EMAIL_FROM is not set. Without a mail server nobody gets an e-mail, and"
            " who has lost every key cannot log in.",
            "Set both; see .env.example.",
        ),
        "gatewayz.W003": (
            "*" in settings.ALLOWED_HOSTS,
            "ALLOWED_HOSTS has *. A link to log in leads to the host by which it was asked for, so"
            " anybody could have a link that leads to them mailed to somebody else.",
            "Name the hosts of this deployment.",
        ),
        # CONTRACT 4
        "referrals.W001": (
            settings.REFERRAL_REFERRER_EMAIL == "full",
            "POST /referral/validate shows the referrer's e-mail to anybody who knows the code.",
            "Set REFERRAL_REFERRER_EMAIL to masked or hidden.",
        ),
    }
    return [
        checks.Warning(message, hint=hint, id=number)
        for number, (is_due, message, hint) in warnings.items()
        if is_due
    ]
