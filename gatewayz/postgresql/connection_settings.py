"""The settings of PostgreSQL that every connection of the program has."""

from collections.abc import Mapping
from typing import Any

CONNECTION_SETTINGS = {
    # Answer 503 rather than wait for a lock until the client has given up.
    "lock_timeout": "3s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "30s",
    # JIT compilation costs more than it saves on queries this short.
    "jit": "off",
    # A prepared statement has one plan for all values: planning anew each time costs more than the
    # statement.
    "plan_cache_mode": "force_generic_plan",
    # On a solid disk any page is nearly as near as the next; the default would have small tables
    # scanned.
    "random_page_cost": "1.1",
}


def as_options(settings: Mapping[str, str], more: str) -> str:
    """Return libpq's `options`: these settings, and then `more`, which counts where both speak."""
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    # PgBouncer refuses a blank at the end.
    return f"{ours} {more}".rstrip()


def replica_database(address: dict[str, Any]) -> dict[str, Any]:
    """Return the replica at this address as an item of Django's DATABASES."""
    options = address["OPTIONS"]
    settings = CONNECTION_SETTINGS | {"default_transaction_read_only": "on"}
    return address | {
        "ENGINE": "gatewayz.postgresql",
        # Reports are rare: each connects anew, and finds out whether the replica is there.
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "options": as_options(settings, options.pop("options", "")),
            # Somebody waits for the report, which the primary can give.
            "connect_timeout": 2,
            "tcp_user_timeout": 3000,  # milliseconds
        }
        | options,
        "TEST": {"MIRROR": "default"},
    }
