"""`manage.py seed_demo`"""

import logging
import time
from argparse import ArgumentParser
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from gatewayz.cli import output
from gatewayz.cli.progress import Progress
from payments.demo import seeding

REPORTED = {
    "users": "users",
    "invited": "of them invited",
    "checkouts": "checkouts",
    "purchases": "purchases",
    "unpaid": "never paid",
    "referrals": "referrals",
    "held": "of them held",
    "released": "released",
    "voided": "voided",
    "refunds": "refunds",
    "disputes": "disputes",
    "events": "Stripe events",
    "failed": "of them failing",
    "keys": "further API keys",
    "gifts": "adjustments by hand",
}


@dataclass(frozen=True)
class Line:
    """How often what was made."""

    made: str
    count: int


class Command(BaseCommand):
    help = "Adds a made-up history of half a year to a development database, to look at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=int, default=1000, help="how many (default: 1000)")
        parser.add_argument("--seed", type=int, default=1, help="another one, another history")
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("This is no development database: DEBUG is off. Nothing was done.")
        if settings.STRIPE_LIVEMODE:
            raise CommandError("STRIPE_SECRET_KEY is a live one. Nothing was done.")
        users = options["users"]
        if not 1 <= users <= 1_000_000:
            raise CommandError("--users is a whole number from 1 to 1000000.")
        begun = time.monotonic()
        counts = self._seed(users, options["seed"])
        seconds = time.monotonic() - begun
        if options["format"] == "table":
            self._report(counts, seconds)
        else:
            lines = [Line(name, counts[name]) for name in REPORTED]
            output.write(lines, Line, self.stdout, options["format"])

    def _seed(self, users: int, seed: int) -> Counter[str]:
        logging.disable(logging.ERROR)  # what is refused there is meant to be
        try:
            with Progress("users", users, out=self.stdout) as progress:
                return seeding.seed(
                    users=users, seed=seed, now=timezone.now(), on_progress=progress.advance
                )
        except (seeding.NoTermsError, seeding.StrandBrokenError) as error:
            raise CommandError(f"{error}.") from error
        finally:
            logging.disable(logging.NOTSET)

    def _report(self, counts: Counter[str], seconds: float) -> None:
        for name, words in REPORTED.items():
            self.stdout.write(f"{counts[name]:>9,} {words}")
        rate = counts["users"] / seconds
        self.stdout.write(f"Done in {seconds:.1f} s, {rate:,.0f} users a second.")
