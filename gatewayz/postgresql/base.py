"""The module that Django looks for in a database backend."""

import select

from django.db.backends.postgresql import base
from psycopg.pq import ConnStatus


class DatabaseWrapper(base.DatabaseWrapper):
    """Tells a lost connection by its socket, instead of by a `SELECT 1` before each request."""

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
