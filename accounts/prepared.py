"""Runs statements that PostgreSQL parses and plans once a connection, and then only executes.

Django's own cursors send each statement as text, which PostgreSQL parses and plans each time. To
build that text from a query set takes longer than the statement itself.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import structlog
from django.db import (
    DEFAULT_DB_ALIAS,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connections,
)
from django.db.models import Expression, Field, QuerySet
from django.db.models.lookups import Exact
from psycopg import Connection, RawCursor
from psycopg._queries import PostgresQuery
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName
from psycopg.pq import Format
from psycopg.types.numeric import Int8

log = structlog.get_logger(__name__)

Row = tuple[Any, ...]


class PoolerForgetsError(OperationalError):
    """A pooler led to a connection of PostgreSQL on which others have prepared statements."""

    def __init__(self) -> None:
        super().__init__(
            "The pooler does not keep prepared statements: PgBouncer does from its version 1.21 on,"
            " with max_prepared_statements above 0."
        )


_NAMED = re.compile(r"%\((\w+)\)s|%s|%%")


@cache
def _numbered(sql: str) -> tuple[str, list[str]]:
    """Return the statement as PostgreSQL takes it, with $1, $2, and the names of these."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = found[1] or str(len(names))
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _NAMED.sub(number, sql), names


class PreparingCursor(RawCursor[Row]):
    """Prepares each statement, and reads results in PostgreSQL's binary form.

    Times as text would be read by Python code of Django's, which takes ten times as long.
    """

    def __init__(self, connection: Connection[Row]) -> None:
        super().__init__(connection)
        self.format = Format.BINARY

    # psycopg itself would take a long statement apart again each time.
    def execute(self, query: Any, params: Any = None, **_: Any) -> "PreparingCursor":
        numbered, names = _numbered(query)
        values = [params[name] for name in names] if isinstance(params, Mapping) else params
        # psycopg chooses the type of an int by its size, and a statement is prepared once for each
        # combination of types.
        values = [Int8(value) if type(value) is int else value for value in values]
        return super().execute(numbered, values, prepare=True)

    def _convert_query(self, *args: Any, **kwargs: Any) -> PostgresQuery:
        # Where Django's log of queries looks for the text; Django's own cursors keep it there.
        self._query = super()._convert_query(*args, **kwargs)
        return self._query


def fetch(sql: str, params: Mapping[str, Any] | Sequence[Any]) -> list[Row]:
    """Run a statement and return its rows.

    In the text a parameter needs a type where PostgreSQL cannot infer it: `%(id)s::bigint`.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    # As Django's own `cursor()` does, which has no other class of cursor to offer.
    database.close_if_health_check_failed()
    try:
        return _fetch(database, sql, params)
    except NotSupportedError:
        # A migration has changed the type of a column that a prepared statement returns. A new
        # connection prepares it anew; a transaction is repeated as a whole (`retry_on_deadlock`).
        if database.in_atomic_block:
            raise
        database.close()
        return _fetch(database, sql, params)
    except ProgrammingError as error:
        if isinstance(error.__cause__, DuplicatePreparedStatement | InvalidSqlStatementName):
            refusal = PoolerForgetsError()
            log.critical("pooler_forgets", reason=str(refusal))
            raise refusal from error
        raise


def _fetch(database: Any, sql: str, params: Mapping[str, Any] | Sequence[Any]) -> list[Row]:
    database.ensure_connection()
    cursor = _cursor(database, sql)
    wrap = database.make_debug_cursor if database.queries_logged else database.make_cursor
    wrap(cursor).execute(sql, params)
    return cursor.fetchall()


def _cursor(database: Any, sql: str) -> PreparingCursor:
    """Return the cursor of this statement.

    Each connection keeps one: it knows how to write the parameters and to read the columns, which
    takes longer to find out than to do. A connection belongs to one thread, and `fetch` reads all
    rows, so nobody else is using it.
    """
    cursors: dict[str, PreparingCursor] = database.prepared_cursors
    cursor = cursors.get(sql)
    # After a reconnection the cursors are those of the lost connection.
    if cursor is None or cursor.connection is not database.connection:
        cursor = cursors[sql] = PreparingCursor(database.connection)
    return cursor


class Parameter(Expression):
    """Stands in a query that is compiled once for a value that is given each time."""

    def __init__(self, name: str, field: Field) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


class IsAnyOf(Exact):
    """Compares with a list of values, whose length may differ each time: `column = ANY (list)`."""

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"= ANY {rhs}"


class Query:
    """A query set of values, which is compiled to SQL once, when it is first used.

    `within` is a statement that reads its rows from the query, whose text takes the place of `{}`.
    """

    def __init__(self, build: Callable[[], QuerySet], *, within: str = "{}") -> None:
        self._build, self._within = build, within

    @cached_property
    def _compiled(self) -> tuple[str, Mapping[str, Any]]:
        """Return the text with named parameters, and the values of those that never change."""
        sql, params = self._build().query.sql_with_params()
        left = iter(params)
        fixed: dict[str, Any] = {}

        def name(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%%"
            param = next(left)
            if isinstance(param, Parameter):
                return f"%({param.name})s"
            fixed[f"fixed_{len(fixed)}"] = param
            return f"%(fixed_{len(fixed) - 1})s"

        return self._within.format(_NAMED.sub(name, sql)), fixed

    def fetch(self, **values: Any) -> list[Row]:
        """Run it; each keyword is the value of the parameter with this name."""
        sql, fixed = self._compiled
        return fetch(sql, {**fixed, **values})
