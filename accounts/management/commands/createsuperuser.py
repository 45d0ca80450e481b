"""Django's `createsuperuser`, which says by a sentence what is taken."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.core.management import CommandError
from django.db import IntegrityError


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except IntegrityError as error:
            taken = "e-mail address" if "users_email" in str(error) else "username"
            raise CommandError(f"Error: That {taken} is already taken.") from None
