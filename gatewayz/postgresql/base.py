"""The module that Django looks for in a database backend."""

import select
from typing import Any

from django.db.backends.postgresql import base, schema
from psycopg.pq import ConnStatus


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
    """Tells a lost connection by its socket, instead of by a `SELECT 1` before each request."""

    SchemaEditorClass = SchemaEditor

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
