"""Django's deployment checks of settings that every app uses."""

from typing import Any

from django.conf import settings
from django.core import checks

from gatewayz import environment


@checks.register(checks.Tags.security, deploy=True)
def proxies_are_named(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn when nobody has said whether there is a proxy (CONTRACT 4)."""
    if environment.is_set("TRUSTED_PROXIES"):
        return []
    return [
        checks.Warning(
            "TRUSTED_PROXIES is not set. Behind a reverse proxy all callers then count as one in"
            " the rate limits and at the log-in, and each request as plain HTTP.",
            hint="Set it to the addresses of your proxies, or to none if callers connect directly.",
            id="gatewayz.W001",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def emails_are_sent(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn when nobody can get a link to log in (CONTRACT 4)."""
    if environment.is_set("EMAIL_URL") and environment.is_set("EMAIL_FROM"):
        return []
    return [
        checks.Warning(
            "EMAIL_URL or EMAIL_FROM is not set. Without a mail server nobody gets an e-mail, and"
            " who has lost every key cannot log in.",
            hint="Set both; see .env.example.",
            id="gatewayz.W002",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def hosts_are_named(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn when the caller chooses the host that log-in links lead to."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        checks.Warning(
            "ALLOWED_HOSTS has *. A link to log in leads to the host by which it was asked for, so"
            " anybody could have a link that leads to them mailed to somebody else.",
            hint="Name the hosts of this deployment.",
            id="gatewayz.W003",
        )
    ]
