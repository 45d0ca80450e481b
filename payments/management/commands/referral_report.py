"""`manage.py referral_report`"""

from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import report_database
from accounts.money import CENT
from gatewayz.cli import output
from payments.reports.totals import Books, Period, ProgramTotals, program_totals

_HOUR = timedelta(hours=1)
_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Row:
    """A total of the period, and of the period before; money in US dollars."""

    figure: str
    value: Any
    before: Any


class Command(BaseCommand):
    help = "Shows the totals of the referral program, and those of the period before."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=output.days, default=30, help="days of the period (default: 30)"
        )
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        count = partial(program_totals, days=options["days"], now=timezone.now())
        found = report_database.read(count)
        lines = list(_lines(found))
        output.write(lines, Row, self.stdout, options["format"])
        if options["format"] == "table":
            self.stdout.write(f"{len(lines)} figures since {found.now.span.first:%Y-%m-%d}.")


def _lines(found: ProgramTotals) -> Iterator[Row]:
    now = _period_totals(found.now) | _book_totals(found.books)
    before = _period_totals(found.before) | _book_totals(found.books_before)
    for figure, value in now.items():
        yield Row(figure, value, before[figure])


def _period_totals(period: Period) -> dict[str, Any]:
    sums, cohort, time = period.sums, period.cohort, period.time_to_purchase
    hours = None if time is None else Decimal(time / _HOUR).quantize(_TENTH)
    return {
        "invite_views": sums.invite_views,
        "sign_ups": sums.signups,
        "sign_ups_by_code": cohort.invited,
        "of_these_bought": cohort.bought,
        "of_these_qualified": cohort.qualified,
        "conversion_percent": cohort.conversion,
        "first_qualifying_purchases": sums.first_purchases,
        "median_hours_to_first_purchase": hours,
        "purchases": sums.purchases,
        "bonuses_paid": sums.bonuses,
        "bonuses_taken_back": sums.bonuses_taken,
        "refunds": sums.refunds,
        "disputes": sums.disputes,
        "refunds_and_disputes_undone": sums.reinstated,
    }


def _book_totals(books: Books) -> dict[str, Any]:
    return {
        "bonuses_given_in_all": books.bonuses_given.quantize(CENT),
        "bonuses_taken_back_in_all": books.bonuses_taken.quantize(CENT),
        "bonuses_paid_in_all": books.bonuses.quantize(CENT),  # the difference of the two
        "credits_outstanding": books.outstanding.quantize(CENT),
        "debts": books.debts.total.quantize(CENT),
    }
