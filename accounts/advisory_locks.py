"""Locks on a name: only one transaction at a time may hold the lock of a given name.

PostgreSQL releases it when the transaction ends. A wait longer than the connection's
`lock_timeout` raises LockNotAvailable, as with a row lock.
"""

from accounts import prepared


def expression(name: str) -> str:
    """Return the SQL that locks the name which the SQL `name` gives, for use in a statement."""
    return f"pg_advisory_xact_lock(hashtextextended({name}, 0))"


LOCK = f"SELECT {expression('%s')}"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


def lock(name: str) -> None:
    """Lock the name, after waiting for the transaction that holds it."""
    prepared.fetch(LOCK, [name])


def try_lock(name: str) -> bool:
    """Lock the name and return True, or return False at once when another transaction holds it."""
    [(is_locked,)] = prepared.fetch(_TRY_LOCK, [name])
    return bool(is_locked)
