"""`manage.py database_roles`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from accounts import database_roles
from gatewayz.cli.output import counted


class Command(BaseCommand):
    help = "Gives a role of the database the privileges of the program, and no others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", metavar="ROLE", help="the role of the program's DATABASE_URL")
        parser.add_argument("--check", action="store_true", help="change nothing, only look")

    def handle(self, *args: Any, role: str, check: bool, **options: Any) -> None:
        if not check:
            try:
                database_roles.prepare(role)
            except (database_roles.RolesRefusedError, ProgrammingError) as refusal:
                raise CommandError(str(refusal).strip()) from None
        found = list(database_roles.problems(role))
        for problem in found:
            self.stdout.write(problem)
        if found:
            raise CommandError(counted(len(found), "problem"))
        self.stdout.write(f"{role} has the privileges of the program, and no others.")
