"""Counts the statements that clients send, in PostgreSQL's log.

Not by pg_stat_statements: it also counts what deferred triggers and foreign keys do at a commit.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

from django.db import connection

# Sessions read their settings anew a little later.
_RELOAD_SECONDS = 0.3
_SENT = re.compile(r"\] LOG:  (?:statement|execute [^:]*):\s+(\w+)", re.ASCII)
_TRANSACTION = {"BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}


def count(run: Callable[[], object], log: Path) -> tuple[int, int]:
    """Return how many statements and how many commands for transactions `run` has others send."""
    _log_statements(is_on=True)
    start = log.stat().st_size
    run()
    with log.open("rb") as file:
        file.seek(start)
        written = file.read().decode(errors="replace")
    _log_statements(is_on=False)
    return read(written)


def read(log: str) -> tuple[int, int]:
    words = [word.upper() for word in _SENT.findall(log)]
    transactions = sum(word in _TRANSACTION for word in words)
    return len(words) - transactions, transactions


def _log_statements(*, is_on: bool) -> None:
    """Switch the log on or off; it is off while time is measured."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET log_statement = '{'all' if is_on else 'none'}'")
        cursor.execute("SELECT pg_reload_conf()")
    time.sleep(_RELOAD_SECONDS)
