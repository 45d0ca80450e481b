"""Django's `loaddata`, which says by a sentence that the database refuses the rows."""

from typing import Any

from django.core.management import CommandError
from django.core.management.commands import loaddata
from django.db import DatabaseError


class Command(loaddata.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except DatabaseError as error:
            reason = str(error.__cause__ or error).partition("\n")[0]
            raise CommandError(
                f"The database refuses these rows, and nothing was loaded: {reason}\n"
                "A ledger comes back by pg_dump and pg_restore alone: its guards keep rows from"
                " being written in another way than they arose."
            ) from None
