"""`manage.py check_ledger`"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.invariants import INVARIANTS, breaches


class Command(BaseCommand):
    help = "Checks every invariant of money and prints the rows that break one."

    def handle(self, *args: Any, **options: Any) -> None:
        found = breaches()
        for breach in found:
            self.stdout.write(f"{breach.subject}: {breach.detail} ({breach.invariant})")
        if found:
            raise CommandError(f"{len(found)} breaches of {len(INVARIANTS)} invariants.")
        self.stdout.write(f"{len(INVARIANTS)} invariants hold.")
