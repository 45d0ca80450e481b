"""`manage.py leaderboard`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from gatewayz.cli import output
from gatewayz.cli.progress import waiting
from payments.reports import leaderboard


class Command(BaseCommand):
    help = (
        "Lists the top referrers as they stand now; amounts are US dollars. Conversion is how many"
        " per cent of those who signed up by the code within the time have made a qualifying"
        " purchase by now."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=output.positive, help="only the last DAYS days")
        parser.add_argument(
            "--limit", type=output.positive, default=10, help="how many (default: 10)"
        )
        parser.add_argument(
            "--by",
            choices=leaderboard.MEASURES,
            default="referrals",
            help="what they are ranked by, equals alike (default: referrals)",
        )
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with waiting("Counting", out=self.stdout):
            leaders = leaderboard.leaderboard(
                now=timezone.now(), limit=options["limit"], days=options["days"], by=options["by"]
            )
        output.write(leaders, leaderboard.Leader, self.stdout, options["format"])
        if options["format"] == "table":
            self.stdout.write(f"{output.counted(len(leaders), 'referrer')}.")
