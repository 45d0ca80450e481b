"""The made-up history is whole, in order, repeatable, and only for development."""

import json
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
import requests
import time_machine
from django.utils import timezone

from accounts.models import Adjustment, LedgerEntry, User
from gatewayz.dev.development_data import DEMO_REVIEWER
from payments.demo import history
from payments.demo.history import History
from payments.models import Clawback, Payment, StripeEvent
from payments.report_models import DailyTotals
from payments.reports import daily
from payments.reports.daily import Span
from payments.reports.stripe_comparison import _AGREEING, compare
from payments.sandbox.payment_methods import PAYING_ACCOUNT
from payments.tests import test_reconciliation
from payments.tests.test_commands import Run
from payments.tests.test_database_guards import undone
from referrals.models import InviteView, LeaderboardEntry, Referral

pytestmark = pytest.mark.slow
stripe_knows_nothing_yet = test_reconciliation.stripe_knows_nothing_yet


def seeded(users: int, *, ends_at: datetime) -> int:
    """Make a history, and return how often it said that somebody registered."""
    registered: list[None] = []
    made = History(ends_at=ends_at)
    made.make(users=users, on_registered=lambda: registered.append(None))
    return len(registered)


def seen(rows: Iterable[Any], field: str) -> set[Any]:
    return {getattr(row, field) for row in rows}


@pytest.fixture
def eventful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let much go on among few people."""
    for name in ("INVITED", "BUYS_IF_INVITED"):
        monkeypatch.setattr(history, name, 0.9)


@pytest.mark.django_db
@pytest.mark.usefixtures("eventful")
def test_nobody_disputes_what_was_paid_from_a_bank_account(monkeypatch: Any) -> None:
    monkeypatch.setattr(history, "CHECKOUTS", ((1, PAYING_ACCOUNT),))
    monkeypatch.setattr(history, "AFTER_PAYMENT", ((1, ("dispute", {"is_won": False})),))

    assert seeded(10, ends_at=timezone.now()) == 10
    assert Payment.objects.filter(status="paid", card_fingerprint="").exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("eventful")
def test_each_kind_of_thing_happens_and_all_of_it_in_the_order_of_time() -> None:
    now = timezone.now()

    assert seeded(40, ends_at=now) == User.objects.filter(is_staff=False).count() == 40
    assert seen(Referral.objects.all(), "status") == set(Referral.Status)
    assert seen(Referral.objects.all(), "review") == set(Referral.Review)
    assert seen(Referral.objects.all(), "is_same_address") == {True, False}
    assert seen(Referral.objects.all(), "use_number") == set(range(1, 11))
    assert seen(Referral.objects.all(), "hold_reason") >= {"one card on both sides"}
    assert seen(Payment.objects.all(), "status") >= {"paid", "failed", "expired", "pending"}
    decisions = {"awarded", "held", "below_minimum", "not_first", "not_referred", "cap_reached"}
    assert seen(Payment.objects.all(), "bonus_decision") >= decisions
    assert seen(Clawback.objects.all(), "status") >= {"succeeded", "failed", "lost", "won"}
    outcomes = {"settled", "waiting", "closed", "repeated", "ignored", "quarantined", "failed"}
    assert seen(StripeEvent.objects.all(), "outcome") >= outcomes
    assert seen(Adjustment.objects.all(), "status") == {"posted", "waiting"}
    assert User.objects.filter(is_active=False).exists()
    assert User.objects.filter(show_on_leaderboard=True).exists()
    assert User.objects.get(username=DEMO_REVIEWER).groups.get().name == "Finance"
    assert InviteView.objects.exists()
    assert LeaderboardEntry.objects.exists()
    # Nothing is left to be asked of Stripe.
    assert not Payment.objects.filter(status="paid", card_checked_at=None).exists()
    for earlier, later in pairwise(LedgerEntry.objects.order_by("user", "number")):
        assert earlier.user_id != later.user_id or earlier.created_at <= later.created_at
        assert now - history.LASTS <= later.created_at <= now


def outline() -> list[Any]:
    """Return what happened to whom and when, by name."""
    entries = LedgerEntry.objects.order_by("created_at", "user__username", "number")
    people = User.objects.order_by("created_at").values_list("username", "email", "created_at")
    return [*people, *entries.values_list("user__username", "kind", "amount", "created_at")]


@pytest.mark.django_db
def test_an_empty_database_gets_the_same_history_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "FAILS_BEFORE_END", ())
    now, outlines = timezone.now(), []
    for _ in range(2):
        with undone():
            seeded(12, ends_at=now)
            outlines.append(outline())

    assert outlines[0] == outlines[1]


@pytest.mark.usefixtures("eventful", "stripe_knows_nothing_yet")
def test_stripe_knows_the_same_and_the_ledger_holds(sandbox: str, transactional_db: None) -> None:
    made = Run("seed_demo", "--users", "40")
    reconciled = Run("reconcile_stripe", "--since", "2020-01-01")
    month = compare(Span(daily.today(timezone.now()) - history.LASTS, daily.today(timezone.now())))

    assert "invariants of the ledger hold" in made.printed
    assert reconciled.printed.startswith("0 differences since 2020-01-01")
    assert month.difference_count == 0
    assert month.at_stripe["charge"][:2] == month.ours["charge"]
    assert month.at_stripe.keys() == set(_AGREEING)
    assert "charge.succeeded" in requests.get(sandbox, timeout=10).text


@pytest.mark.django_db
def test_done_again_it_adds_people_and_counts_the_days_anew() -> None:
    Run("seed_demo", "--users", "8")
    daily.close_days(now=timezone.now())
    kept = DailyTotals.objects.count()
    again = Run("seed_demo", "--users", "8", "--format", "json")

    assert {"made": "users", "count": 8} in json.loads(again.printed)
    assert User.objects.filter(is_staff=False).count() == 16
    assert kept > DailyTotals.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "users", "refusal"),
    [
        ({"STRIPE_SANDBOX": False}, "5", "only while DEBUG is on"),
        ({}, "0", "whole number from 1"),
        ({}, "5", "no terms yet"),
    ],
)
def test_the_command_refuses(
    settings: Any, changes: dict[str, bool], users: str, refusal: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)

    # The first terms begin in 2026.
    with time_machine.travel("2020-01-01"):
        assert refusal in Run("seed_demo", "--users", users).refusal

    assert not User.objects.exists()
