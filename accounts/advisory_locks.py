"""Turns: of those who name the same thing one goes on, and the others wait until it has ended.

A turn lasts as long as the transaction in which it was taken. Whoever waits longer than the
connection's `lock_timeout` gets PostgreSQL's LockNotAvailable, as with any other lock.
"""

from django.db import connection
from django.db.models import Func, TextField

TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_TRY_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


def take_turn(name: str) -> None:
    """Wait until nobody else has the turn of this name, and keep others waiting."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_TURN, [name])


def try_turn(name: str) -> bool:
    """Take the turn if nobody else has it, and say whether it was taken."""
    with connection.cursor() as cursor:
        cursor.execute(_TRY_TURN, [name])
        return bool(cursor.fetchone()[0])


class Turn(Func):
    """The turn as a column of a query that locks a row: so it costs no trip of its own.

    PostgreSQL computes it before it locks the row.
    """

    template = "pg_advisory_xact_lock(hashtextextended(%(expressions)s, 0))::text"
    output_field = TextField()
