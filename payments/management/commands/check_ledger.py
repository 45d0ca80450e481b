"""`manage.py check_ledger`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.invariants import INVARIANTS, breaches


class Command(BaseCommand):
    help = "Checks every invariant of money and prints the rows that break one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the breaches as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = breaches()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(breach) for breach in found], indent=2))
        else:
            for breach in found:
                self.stdout.write(f"{breach.subject}: {breach.detail} ({breach.invariant})")
        if found:
            raise CommandError(f"{len(found)} breaches of {len(INVARIANTS)} invariants.")
        if not options["json"]:
            self.stdout.write(f"{len(INVARIANTS)} invariants hold.")
