"""Reports unexpected errors to Sentry, without personal data; with SENTRY_DSN only."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from gatewayz.http import logs


def report_to(dsn: str, **options: Any) -> None:
    """Send unhandled exceptions there from now on; what is only logged stays in the log."""
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        # Variables and bodies may hold keys, names and addresses.
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_enabling_integrations=False,
        integrations=[DjangoIntegration(), LoggingIntegration(level=None, event_level=None)],
        before_send=_without_personal_data,
        **options,
    )


def _without_personal_data(event: Any, _: Any) -> Any:
    """Leave what failed where: no caller, no address, no header, and nothing that looks secret."""
    event.pop("user", None)
    event["request"] = {"method": event.get("request", {}).get("method")}
    for exception in event.get("exception", {}).get("values", []):
        exception["value"] = logs.without_secrets(exception.get("value") or "")
    return event
