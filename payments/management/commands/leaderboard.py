"""`manage.py leaderboard`"""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import report_database
from gatewayz.cli import output
from gatewayz.cli.progress import progress
from payments.reports import leaderboard


class Command(BaseCommand):
    help = (
        "Lists the top referrers, with amounts in US dollars. Conversion is the percentage of the"
        " sign-ups in the period that have made a qualifying purchase until now."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=output.positive, help="count only the last DAYS days")
        parser.add_argument(
            "--limit", type=output.positive, default=10, help="number of referrers (default: 10)"
        )
        parser.add_argument(
            "--by",
            choices=leaderboard.MEASURES,
            default="referrals",
            help="measure of the ranking (default: referrals)",
        )
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with progress("Counting", out=self.stdout):
            asked = {name: options[name] for name in ("limit", "days", "by")}
            count = partial(leaderboard.leaderboard, now=timezone.now(), **asked)
            leaders = report_database.read(count)
        output.write(leaders, leaderboard.Leader, self.stdout, options["format"])
        if options["format"] == "table":
            self.stdout.write(f"{output.counted(len(leaders), 'referrer')}.")
