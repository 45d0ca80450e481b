"""`manage.py check_ledger`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from gatewayz.cli import output
from gatewayz.cli.progress import waiting
from payments.reports import ledger_checks
from payments.reports.invariants import INVARIANTS, Breach


class Command(BaseCommand):
    help = "Checks every invariant of money, and prints the rows that break one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        output.add_format(parser)
        parser.add_argument("--json", action="store_const", const="json", dest="format")

    def handle(self, *args: Any, **options: Any) -> None:
        with waiting("Checking the ledger", out=self.stdout):
            found = ledger_checks.run(now=timezone.now())
        if options["format"] != "table":
            output.write(found, Breach, self.stdout, options["format"])
        for breach in found if options["format"] == "table" else ():
            self.stdout.write(str(breach))
        if found:
            breaches = output.counted(len(found), "breach", "breaches")
            raise CommandError(f"{breaches} of {len(INVARIANTS)} invariants.")
        if options["format"] == "table":
            self.stdout.write(f"{len(INVARIANTS)} invariants hold.")
