"""Runs a statement that PostgreSQL parses and plans once a connection, and then only executes.

Django's own cursors send every statement as text, to be parsed and planned again.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from psycopg import Cursor
from psycopg.types.numeric import Int8

Row = tuple[Any, ...]


class _PreparingCursor(Cursor[Row]):
    def execute(self, *args: Any, **kwargs: Any) -> "_PreparingCursor":
        return super().execute(*args, **kwargs, prepare=True)


def fetch(sql: str, params: Mapping[str, Any]) -> list[Row]:
    """Run a statement with named parameters, and return its rows.

    In the text each parameter needs a type where PostgreSQL cannot infer it: `%(id)s::bigint`.
    """
    connection.ensure_connection()
    cursor: Any = _PreparingCursor(connection.connection)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(cursor) as wrapped:
        # psycopg chooses the type of an int by its size, and a statement is prepared once for each
        # combination of types.
        wrapped.execute(sql, {name: Int8(v) if type(v) is int else v for name, v in params.items()})
        rows: list[Row] = cursor.fetchall()
        return rows
