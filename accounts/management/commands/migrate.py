"""`manage.py migrate`, with time-outs of its own."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

# To build an index or rewrite a table takes as long as it takes. But whoever waits for a lock on a
# table makes others wait behind it: so give up before requests do, which wait for three seconds.
LOCK_TIMEOUT = "2s"
_OWN = f"""
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET lock_timeout = '{LOCK_TIMEOUT}'
"""
_AS_BEFORE = """
RESET statement_timeout;
RESET idle_in_transaction_session_timeout;
RESET lock_timeout
"""


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute(_OWN)
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise CommandError(
                f"A table was in use for more than {LOCK_TIMEOUT}. The migration that was being"
                " applied is not; run `migrate` again."
            ) from error
        with connection.cursor() as cursor:
            cursor.execute(_AS_BEFORE)
