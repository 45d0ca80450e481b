"""`manage.py leaderboard`"""

import csv
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import astuple, fields
from datetime import timedelta
from typing import Any

import orjson
from django.core.management.base import BaseCommand
from django.utils import timezone

from gatewayz.json_api import exact_number
from referrals.reports import Leader, leaderboard

COLUMNS = tuple(field.name for field in fields(Leader))


def positive(text: str) -> int:
    """Return a whole number above zero. Raises ArgumentTypeError."""
    if not text.isdecimal() or not 0 < int(text) <= 100_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100000")
    return int(text)


class Command(BaseCommand):
    help = "Lists the top referrers by completed referrals, then by earnings in US dollars."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=positive, help="only the last DAYS days")
        parser.add_argument("--limit", type=positive, default=10, help="how many (default: 10)")
        parser.add_argument("--format", choices=("table", "csv", "json"), default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        since = options["days"] and timezone.now() - timedelta(days=options["days"])
        rows = [astuple(leader) for leader in leaderboard(limit=options["limit"], since=since)]
        getattr(self, f"write_{options['format']}")(rows)

    def write_table(self, rows: list[tuple[Any, ...]]) -> None:
        table = [tuple(map(str, row)) for row in (COLUMNS, *rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())
        self.stdout.write(f"{len(rows)} referrers.")

    def write_csv(self, rows: list[tuple[Any, ...]]) -> None:
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerows([COLUMNS, *rows])

    def write_json(self, rows: list[tuple[Any, ...]]) -> None:
        records = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        text = orjson.dumps(records, default=exact_number, option=orjson.OPT_INDENT_2)
        self.stdout.write(text.decode())
