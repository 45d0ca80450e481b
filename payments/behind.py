"""The rows behind each figure of the overview: exactly those that the figure counts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, Model, OuterRef, Q
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import ledger
from accounts.models import Adjustment, LedgerEntry, User
from payments.models import Payment, PaymentQuerySet, StripeEvent
from payments.reports import totals
from payments.reports.action_items import OVERDUE_AFTER
from payments.reports.daily import Span, days_of
from referrals.eligibility import NOT_QUALIFYING
from referrals.models import Program, Referral

Kind = LedgerEntry.Kind
_BONUSES = (Kind.REFERRER_BONUS, Kind.REFEREE_BONUS)
_BACKS = (Kind.REFUND, Kind.DISPUTE)


@dataclass(frozen=True)
class When:
    """The days that a figure is of, and the moment at which it is asked for."""

    span: Span
    now: datetime


Rows = Callable[[When], Q]
Amount = Callable[[When], int | Decimal]


@dataclass(frozen=True)
class Behind:
    """The rows that a figure counts; `figure` says it as cheaply as the overview does."""

    title: str
    model: type[Model]
    words: str
    rows: Rows
    figure: Amount | None = None  # without it the rows are few, and can be counted
    is_of_days: bool = True


def _on_days(column: str = "created_at", condition: Q | None = None) -> Rows:
    def rows(when: When) -> Q:
        limits = {f"{column}__gte": when.span.start, f"{column}__lt": when.span.end}
        return Q(**limits) & (condition or Q())

    return rows


def _reversing(*kinds: Kind) -> Q:
    return Q(kind=Kind.REVERSAL, reverses__kind__in=kinds)


def _and_bought(purchases: PaymentQuerySet) -> Rows:
    """Return who signed up by a code, and had one of these purchases once the days were over."""

    def rows(when: When) -> Q:
        paid = purchases.filter(status=Payment.Status.PAID, paid_at__lt=when.span.end)
        return _invited(when) & Q(Exists(paid.filter(user=OuterRef("pk"))))

    return rows


def _sum(name: str) -> Amount:
    """Return a sum of the days, which are kept."""
    return lambda when: getattr(totals.sums(when.span), name)


def _count_of_cohort(name: str) -> Amount:
    return lambda when: getattr(totals.cohort(days_of(when.span)), name)


_QUALIFYING = Q(status=Payment.Status.PAID) & ~Q(bonus_decision__in=NOT_QUALIFYING)
_invited = _on_days(condition=Q(referred_by_code__isnull=False))

_PEOPLE = {
    "signups": Behind("Sign-ups", User, "who signed up", _on_days(), _sum("signups")),
    "invited_signups": Behind(
        "Sign-ups by a code",
        User,
        "who signed up by a code",
        _invited,
        _sum("invited_signups"),
    ),
    "own_signups": Behind(
        "Sign-ups by themselves",
        User,
        "who signed up without a code",
        _on_days(condition=Q(referred_by_code__isnull=True)),
        lambda when: (found := totals.sums(when.span)).signups - found.invited_signups,
    ),
    "cohort_bought": Behind(
        "Of these, bought",
        User,
        "who signed up by a code, and had bought by the end of these days",
        _and_bought(Payment.objects.all()),
        _count_of_cohort("bought"),
    ),
    "cohort_qualified": Behind(
        "Of these, qualified",
        User,
        "who signed up by a code, and had made the qualifying purchase by the end of these days",
        _and_bought(Payment.objects.exclude(bonus_decision__in=NOT_QUALIFYING)),
        _count_of_cohort("qualified"),
    ),
}
_PURCHASES = {
    "first_purchases": Behind(
        "First qualifying purchases",
        Payment,
        "the purchases that qualified as their buyer's first",
        _on_days("paid_at", _QUALIFYING),
        _sum("first_purchases"),
    ),
    "timed_purchases": Behind(
        "Time to first purchase",
        Payment,
        "the first qualifying purchases of people who came by a code",
        _on_days("paid_at", _QUALIFYING & Q(user__referred_by_code__isnull=False)),
        lambda when: len(totals.times_to_purchase(days_of(when.span))),
    ),
}


def _entries(title: str, words: str, condition: Q, name: str) -> Behind:
    return Behind(title, LedgerEntry, words, _on_days(condition=condition), _sum(name))


_ENTRIES = {
    "bonuses": _entries(
        "Bonuses paid",
        "posted to both sides, and again when a dispute was won",
        Q(kind__in=_BONUSES),
        "bonuses",
    ),
    "bonuses_taken": _entries(
        "Bonuses taken back", "from both sides", _reversing(*_BONUSES), "bonuses_taken"
    ),
    "money_back": _entries(
        "Refunds & disputes", "what they took back", Q(kind__in=_BACKS), "money_back"
    ),
    "refunds": _entries("Refunds", "what they took back", Q(kind=Kind.REFUND), "refunds"),
    "disputes": _entries("Disputes", "what they took back", Q(kind=Kind.DISPUTE), "disputes"),
    "reinstated": _entries(
        "Refunds & disputes undone",
        "what was given again after refunds that failed and disputes that were won or dropped",
        _reversing(*_BACKS),
        "reinstated",
    ),
}


def _standing(
    title: str, model: type[Model], words: str, rows: Rows, figure: Amount | None = None
) -> Behind:
    return Behind(title, model, words, rows, figure, is_of_days=False)


_BOOKS = {
    "outstanding": _standing(
        "Credits outstanding",
        User,
        "everybody whose balance is above zero",
        lambda when: Q(credits__gt=0),
        lambda when: totals.books(now=when.now).outstanding,
    ),
    "debts": _standing(
        "Debts",
        User,
        "everybody whose balance is below zero",
        lambda when: Q(pk__in=ledger.in_debt().values("pk")),
        lambda when: totals.books(now=when.now).debts.total,
    ),
    "bonuses_in_all": _standing(
        "Bonuses paid in all",
        Referral,
        "the completed referrals, whose bonuses stand, both sides together",
        lambda when: Q(status=Referral.Status.COMPLETED),
        lambda when: totals.books(now=when.now).bonuses,
    ),
}


def _event(title: str, words: str, outcome: StripeEvent.Outcome) -> Behind:
    return _standing(title, StripeEvent, words, lambda when: Q(outcome=outcome))


_WAITING = {
    "failed_events": _event(
        "Failed events", "whose processing broke off", StripeEvent.Outcome.FAILED
    ),
    "quarantined_events": _event(
        "Quarantined events", "that say what our records do not", StripeEvent.Outcome.QUARANTINED
    ),
    "overdue_events": _standing(
        "Events unprocessed for 5 minutes",
        StripeEvent,
        "received, and not processed",
        lambda when: Q(
            processed_at=None,
            outcome=StripeEvent.Outcome.RECEIVED,
            received_at__lt=when.now - OVERDUE_AFTER,
        ),
    ),
    "ending_budgets": _standing(
        "Budget that is spent, or soon will be",
        Program,
        "the terms in force",
        lambda when: Q(pk__in=Program.objects.at(when.now).values("pk")),
    ),
    "waiting_adjustments": _standing(
        "Adjustments to approve",
        Adjustment,
        "that wait for a second person",
        lambda when: Q(status=Adjustment.Status.WAITING),
    ),
    "failed_jobs": _standing(
        "Failed jobs", ProcrastinateJob, "periodic jobs", lambda when: Q(status="failed")
    ),
}
BEHIND: dict[str, Behind] = {**_PEOPLE, **_PURCHASES, **_ENTRIES, **_BOOKS, **_WAITING}
