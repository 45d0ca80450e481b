"""The statement of a month, or of any days (UTC): the credit before, what changed it, and after.

An entry belongs to the day on which we posted it (`created_at`), as the balance does. So the lines
add up to the ledger, and a month that is over does not change.
"""

from dataclasses import dataclass
from decimal import Decimal

from accounts import report_database
from payments.reports.daily import ENTRY_SUMS, Span
from payments.reports.totals import Credit, debts_before

# The lines, in the order of the page. Those that take away are stored as positive amounts.
_SIGNS = {
    "purchases": 1,
    "bonuses": 1,
    "bonuses_taken": -1,
    "refunds": -1,
    "disputes": -1,
    "reinstated": 1,
    "adjustments": 1,
    "adjustments_reversed": 1,
}
LINES = tuple(_SIGNS)
_COLUMNS = ", ".join(LINES)
_LINE_SUMS = ", ".join(
    f"COALESCE(SUM({name}) FILTER (WHERE day >= %(first)s), 0.00)" for name in LINES
)
# One statement, so one snapshot: a day that is closed meanwhile counts once. Stored days are read
# up to the first one in the span that `daily.fill_days` has yet to fill; later days are counted.
_STATEMENT = f"""
WITH cut AS (
    SELECT COALESCE(
        (SELECT MIN(day) FROM daily_totals WHERE adjustments IS NULL AND day >= %(first)s),
        (SELECT MAX(day) + 1 FROM daily_totals),
        '-infinity') AS day
), days AS (
    SELECT day, net, {_COLUMNS} FROM daily_totals
    WHERE day <= %(last)s AND day < (SELECT day FROM cut)
    UNION ALL
    SELECT day, net, {_COLUMNS} FROM (
        SELECT (entry.created_at AT TIME ZONE 'UTC')::date AS day, {ENTRY_SUMS}
        WHERE entry.created_at >= (SELECT day::timestamp AT TIME ZONE 'UTC' FROM cut)
          AND entry.created_at < %(end)s
        GROUP BY 1
    ) posted
)
SELECT COALESCE(SUM(net) FILTER (WHERE day < %(first)s), 0.00), COALESCE(SUM(net), 0.00),
       {_LINE_SUMS}
FROM days
"""


@dataclass(frozen=True)
class Statement:
    """The credit before the first day, what each line added to it, and after the last day."""

    span: Span
    opening: Credit
    lines: dict[str, Decimal]
    closing: Credit

    @property
    def unexplained(self) -> Decimal:
        """The part of the ledger's change that no line has: unless 0, the books are wrong."""
        return self.closing.net - self.opening.net - sum(self.lines.values())


def statement(span: Span) -> Statement:
    """Return the statement of these days; those that are not over yet count as far as they are."""
    with report_database.connection().cursor() as cursor:
        cursor.execute(_STATEMENT, {"first": span.first, "last": span.last, "end": span.end})
        opening, closing, *sums = cursor.fetchone()
    debts_before_it, debts = debts_before(span.start, span.end)
    lines = zip(_SIGNS.items(), sums, strict=True)
    return Statement(
        span=span,
        opening=Credit(opening, debts_before_it),
        lines={name: sign * amount for (name, sign), amount in lines},
        closing=Credit(closing, debts),
    )
