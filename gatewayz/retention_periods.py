"""How long what is over is kept (payments/retention.py)."""

from datetime import timedelta

from gatewayz import environment


def read() -> dict[str, timedelta | None]:
    """Return the age at which each kind is deleted; None for never."""
    return {
        "sessions": environment.days("RETENTION_SESSIONS", default=1, least=0),
        # A lock-out of the admin's log-in lasts for an hour.
        "log_in_attempts": environment.days("RETENTION_LOG_IN_ATTEMPTS", default=30, least=1),
        "revoked_keys": environment.days("RETENTION_REVOKED_KEYS", default=365, least=1),
        # Stripe reports a delayed payment within two weeks, and shows its events for thirty days.
        "unpaid_payments": environment.days("RETENTION_UNPAID_PAYMENTS", default=90, least=31),
        "events": environment.days("RETENTION_EVENTS", default=180, least=31),
        "invite_views": environment.days("RETENTION_INVITE_VIEWS", default=30, least=1),
        "failed_jobs": environment.days("RETENTION_FAILED_JOBS", default=90, least=1),
        "emails": environment.days("RETENTION_EMAILS", default=90, least=4),
    }
