"""`manage.py seed_demo`"""

import logging
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import Adjustment, User
from gatewayz.cli import output
from gatewayz.cli.progress import progress
from payments import email_causes
from payments.models import Clawback, Payment, StripeEvent
from payments.reports import ledger_checks
from payments.reports.invariants import INVARIANTS
from referrals.models import Program, Referral

COUNTED = {
    "users": User.objects.filter(is_staff=False),
    "invited": User.objects.exclude(referred_by_code=None),
    "checkouts": Payment.objects.all(),
    "purchases": Payment.objects.filter(status=Payment.Status.PAID),
    "referrals": Referral.objects.all(),
    "held": Referral.objects.exclude(review=Referral.Review.NONE),
    "refunds": Clawback.objects.filter(kind=Clawback.Kind.REFUND),
    "disputes": Clawback.objects.filter(kind=Clawback.Kind.DISPUTE),
    "events": StripeEvent.objects.all(),
    "failed": StripeEvent.objects.filter(outcome=StripeEvent.Outcome.FAILED),
    "adjustments": Adjustment.objects.all(),
}


@dataclass(frozen=True)
class Line:
    """How many of a thing were made."""

    made: str
    count: int


class Command(BaseCommand):
    help = "Adds a made-up history of half a year to a development database, to look at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=int, default=1000, help="how many (default: 1000)")
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.STRIPE_SANDBOX:
            raise CommandError(
                "The made-up people pay at the Stripe sandbox, which is there only while DEBUG is "
                "on and STRIPE_SECRET_KEY is not set. Nothing was done."
            )
        if not 1 <= options["users"] <= 1_000_000:
            raise CommandError("--users is a whole number from 1 to 1000000.")
        before = _count()
        logging.disable(logging.ERROR)  # some events are meant to be refused
        try:
            # Imported only now: without the sandbox its tables are not there.
            history = import_string("payments.demo.history.History")(ends_at=timezone.now())
            with progress("users", options["users"], out=self.stdout) as advance:
                history.make(users=options["users"], on_registered=advance)
        except Program.DoesNotExist as error:
            raise CommandError("The program has no terms yet: run migrate.") from error
        finally:
            email_causes.skip_all()  # nobody made these people up to get e-mails
            logging.disable(logging.NOTSET)
        lines = [Line(name, number - before[name]) for name, number in _count().items()]
        output.write(lines, Line, self.stdout, options["format"])
        found = ledger_checks.run(now=timezone.now())
        if found:
            raise CommandError("\n".join(["The ledger is broken.", *map(str, found)]))
        if options["format"] == "table":
            self.stdout.write(f"{len(INVARIANTS)} invariants of the ledger hold.")


def _count() -> dict[str, int]:
    return {name: rows.count() for name, rows in COUNTED.items()}
