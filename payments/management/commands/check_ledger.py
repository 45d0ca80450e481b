"""`manage.py check_ledger`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import ledger_seals
from accounts.models import LedgerSeal
from gatewayz.cli import output
from gatewayz.cli.progress import progress
from payments.reports import ledger_checks
from payments.reports.invariants import INVARIANTS, Breach


class Command(BaseCommand):
    help = "Checks every invariant of money and every seal, and prints what breaks one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        output.add_format(parser)
        parser.add_argument("--json", action="store_const", const="json", dest="format")
        parser.add_argument("--head", help="a head that you kept: the ledger must continue from it")

    def handle(self, *args: Any, **options: Any) -> None:
        with progress("Checking the ledger", out=self.stdout):
            found = ledger_checks.run(now=timezone.now())
        if (kept := options["head"]) and ledger_seals.find(kept) is None:
            found.append(Breach(ledger_checks.SEALED, kept, "no seal has this head"))
        if options["format"] != "table":
            output.write(found, Breach, self.stdout, options["format"])
        for breach in found if options["format"] == "table" else ():
            self.stdout.write(str(breach))
        if found:
            breaches = output.counted(len(found), "breach", "breaches")
            raise CommandError(f"{breaches} of {len(INVARIANTS)} invariants.")
        if options["format"] == "table":
            self.stdout.write(f"{len(INVARIANTS)} invariants hold.")
            self._write_heads(options["head"])

    def _write_heads(self, kept: str | None) -> None:
        if kept and (seal := ledger_seals.find(kept)):
            self.stdout.write(f"The ledger continues from {kept}: {_described(seal)}.")
        if seal := ledger_seals.newest():
            self.stdout.write(f"Newest head: {seal} ({_described(seal)}).")


def _described(seal: LedgerSeal) -> str:
    return f"sealed {seal.sealed_at:%Y-%m-%d %H:%M}, up to entry {seal.last_entry_id}"
