"""Django's deployment checks of settings that every app uses."""

from typing import Any

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
