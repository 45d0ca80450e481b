"""The roles of the test's database: tests run as the application, or on purpose as the owner."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import connection
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from accounts import database_roles

APPLICATION = "gatewayz_test_application"


def create_application_role() -> None:
    """Create the role unless it is there, and prepare it in the database of the connection.

    Who logs in as it needs the same password as we do.
    """
    password = sql.Literal(connection.settings_dict["PASSWORD"] or None)
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.SQL(APPLICATION), password)
    with connection.cursor() as cursor, suppress(errors.DuplicateObject, errors.UniqueViolation):
        cursor.cursor.execute(create)
    database_roles.prepare(APPLICATION)


@contextmanager
def become_application() -> Iterator[None]:
    """Let the connections of the block be the application's."""
    connection.close()
    connection.settings_dict["OPTIONS"]["assume_role"] = APPLICATION
    try:
        yield
    finally:
        connection.close()
        del connection.settings_dict["OPTIONS"]["assume_role"]


@contextmanager
def as_owner() -> Iterator[None]:
    """Do the block as the owner of the tables, on the same connection and in its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        [(before,)] = cursor.fetchall()
        cursor.execute("RESET ROLE")
    try:
        yield
    finally:
        raw: Any = connection.connection
        # A transaction that failed takes the change of the role back itself.
        if raw and raw.info.transaction_status != TransactionStatus.INERROR:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {before}")
