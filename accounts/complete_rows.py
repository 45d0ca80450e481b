"""Says up to which id the rows of a table are complete, for what reads new rows in their order."""

import time

from django.db.models import Model

from accounts import prepared

# How long to wait for transactions that are inserting; most of them take milliseconds.
PATIENCE_SECONDS = 10
_POLL_SECONDS = 0.02
# Whoever inserts into a table holds this lock on it until the transaction has ended. One that is
# prepared for a commit in two phases has no process.
_WRITING = """
SELECT virtualtransaction FROM pg_locks
WHERE relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid IS DISTINCT FROM pg_backend_pid()
"""


def complete_until(model: type[Model]) -> int | None:
    """Return an id up to which no further row can appear; None without rows.

    None also when a transaction that writes to the table takes too long. Nobody waits for this.

    Race: a row gets its id before its transaction commits, so one with a lower id may appear
    later. So wait for all transactions that are writing now: among them is every one that has an id
    up to the newest of those that are there. It takes the lock first, and then its ids, which the
    sequence gives one by one.
    """
    rows = model._default_manager.order_by("-pk")
    newest: int | None = rows.values_list("pk", flat=True).first()
    deadline = time.monotonic() + PATIENCE_SECONDS
    waited_for = _writing(model)
    while waited_for:
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL_SECONDS)
        waited_for &= _writing(model)
    return newest


def _writing(model: type[Model]) -> set[str]:
    return {name for (name,) in prepared.fetch(_WRITING, [model._meta.db_table])}
