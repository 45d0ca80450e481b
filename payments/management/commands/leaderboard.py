"""`manage.py leaderboard`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from gatewayz import reporting
from gatewayz.progress import waiting
from payments import standings


class Command(BaseCommand):
    help = (
        "Lists the top referrers as they stand now; amounts are US dollars. Conversion is how many"
        " per cent of those who signed up by the code within the time have made a qualifying"
        " purchase by now."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=reporting.positive, help="only the last DAYS days")
        parser.add_argument(
            "--limit", type=reporting.positive, default=10, help="how many (default: 10)"
        )
        parser.add_argument(
            "--by",
            choices=standings.MEASURES,
            default="referrals",
            help="what they are ranked by, equals alike (default: referrals)",
        )
        reporting.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with waiting("Counting", out=self.stdout):
            leaders = standings.leaderboard(
                now=timezone.now(), limit=options["limit"], days=options["days"], by=options["by"]
            )
        reporting.write(leaders, standings.Leader, self.stdout, options["format"])
        if options["format"] == "table":
            self.stdout.write(f"{reporting.counted(len(leaders), 'referrer')}.")
