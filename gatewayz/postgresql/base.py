"""The module that Django looks for in a database backend."""

import select
from typing import Any

import structlog
from django.db import OperationalError
from django.db.backends.postgresql import base, schema
from psycopg.pq import ConnStatus

log = structlog.get_logger(__name__)

TIMEOUTS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
_TIMEOUTS = f"SELECT {', '.join(f'current_setting({name!r})' for name in TIMEOUTS)}"


class TimeoutsMissingError(OperationalError):
    """Something between us and PostgreSQL, such as a pooler, has dropped our settings."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            f"The connection to PostgreSQL has no {', '.join(missing)}. A pooler drops what a"
            " connection asks for: make it part of the role, by `manage.py database_roles`."
        )


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Lets what is built CONCURRENTLY wait for locks as long as it has to."""

    def execute(self, sql: Any, params: Any = ()) -> None:
        # It waits for every transaction that is older, and nobody has to wait for it. A time-out
        # would leave an invalid index behind.
        if "CONCURRENTLY" not in str(sql) or self.collect_sql:
            super().execute(sql, params)
            return
        with self.connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            [timeout] = cursor.fetchone()
            cursor.execute("SET lock_timeout = 0")
            super().execute(sql, params)
            cursor.execute(f"SET lock_timeout = '{timeout}'")


class DatabaseWrapper(base.DatabaseWrapper):
    """Detects a lost connection at its socket, without a `SELECT 1` before each request."""

    SchemaEditorClass = SchemaEditor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By statement, see `accounts.prepared`.
        self.prepared_cursors: dict[str, Any] = {}

    def init_connection_state(self) -> None:
        """Refuse a connection without time-outs. Raises TimeoutsMissingError."""
        super().init_connection_state()
        with self.connection.cursor() as cursor:
            [found] = cursor.execute(_TIMEOUTS).fetchall()
        missing = [name for name, value in zip(TIMEOUTS, found, strict=True) if value == "0"]
        if missing:
            self.close()
            refusal = TimeoutsMissingError(missing)
            log.critical("timeouts_missing", reason=str(refusal))
            raise refusal

    def is_usable(self) -> bool:
        """Return whether the connection is open, and PostgreSQL has said nothing unasked.

        It says goodbye when it stops. A machine that died silently is noticed by the next
        statement, which is answered 503.
        """
        if self.connection is None or self.connection.pgconn.status != ConnStatus.OK:
            return False
        unasked = select.poll()
        unasked.register(self.connection.pgconn.socket, select.POLLIN)
        return not unasked.poll(0)
