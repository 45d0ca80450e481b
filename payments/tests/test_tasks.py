"""The periodic jobs; test_retries has those that repeat what failed or never came."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from accounts.models import LedgerSeal
from accounts.tests.factories import Person
from payments import cards, stripe_gateway, tasks
from payments.models import DailyTotals, LedgerCheck
from payments.stripe_gateway import StripeUnavailableError
from payments.tests.at_once import execute
from payments.tests.fake_stripe import stripe_answers, stripe_is_down
from payments.tests.guards import wrong
from payments.tests.sandbox_purchases import pay
from payments.tests.stripe_events import pending_payment, settle
from referrals.models import LeaderboardEntry, Referral

CARD = {"payment_method_details": {"card": {"fingerprint": "one card"}}}
ONE_CARD = {"id": "pi_1", "object": "payment_intent", "latest_charge": CARD}


def test_one_failed_card_check_does_not_stop_the_others(
    alice: Person, bob: Person, charlie: Person, settings: Any
) -> None:
    unlucky, *_ = (settle(person.user) for person in (charlie, alice, bob))

    with stripe_answers(settings, 200, json.dumps(ONE_CARD).encode()) as stripe:
        stripe.statuses = [500, 500]  # the SDK asks twice
        with pytest.raises(StripeUnavailableError):
            tasks.check_cards(0)

    assert Referral.objects.get().status == "held"
    assert cards.payments_to_check() == [unlucky]


def test_all_cards_are_asked_for_unless_several_fail_in_a_row_or_other_jobs_wait(
    bob: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MAX_FAILURES_IN_A_ROW", 2)
    monkeypatch.setattr(cards, "BATCH_SIZE", 3)
    for _ in range(4):
        settle(bob.user, 100)

    with stripe_answers(settings, 500, b"{}") as failing, pytest.raises(StripeUnavailableError):
        tasks.check_cards(0)
    with stripe_answers(settings, 200, json.dumps(ONE_CARD).encode()) as answering:
        with monkeypatch.context() as hurry:
            hurry.setattr(tasks, "CHECK_CARDS_SECONDS", -1)
            tasks.check_cards(0)
        asked_in_a_hurry = list(answering.bodies)
        tasks.check_cards(0)

    assert len(failing.bodies) == 2 * (1 + stripe_gateway.RETRIES)
    assert asked_in_a_hurry == []
    assert cards.payments_to_check() == []


@pytest.mark.usefixtures("sandbox")
def test_the_reconciliation_task_covers_one_day_and_fails_while_stripe_is_down(
    bob: Person, settings: Any
) -> None:
    pay(bob)

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        tasks.reconcile_stripe(0)

    assert bob.balance() == "0.00"
    with stripe_is_down(settings), pytest.raises(StripeUnavailableError):
        tasks.reconcile_stripe(0)


def test_jobs_close_what_is_over_count_it_and_check_the_ledger(alice: Person, bob: Person) -> None:
    settle(bob.user)
    unpaid = pending_payment(bob.user)
    tasks.refresh_leaderboard(0)

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        tasks.close_expired_payments(0)
        tasks.close_days(0)
        tasks.check_ledger(0)

    unpaid.refresh_from_db()
    assert unpaid.status == "expired"
    assert LeaderboardEntry.objects.get(user=alice.user, period="7d").referrals == 1
    assert next(day.signups for day in DailyTotals.objects.order_by("day")) == 2
    assert LedgerCheck.objects.get().breaches == 0


@pytest.mark.negative_control
def test_the_ledger_task_raises_when_an_invariant_is_broken(bob: Person) -> None:
    settle(bob.user)
    wrong(("UPDATE users SET credits = credits + 5",))

    with pytest.raises(tasks.LedgerBroken, match="2 breaches"):
        tasks.check_ledger(0)

    check = LedgerCheck.objects.get()
    assert check.breaches == 2
    assert f"user {bob.user.pk}: credits 25.00, entries 20.00" in check.detail


def test_the_sealing_task_writes_the_head_into_the_log(
    bob: Person, caplog: pytest.LogCaptureFixture
) -> None:
    settle(bob.user)

    tasks.seal_ledger(0)
    tasks.seal_ledger(0)

    [line] = [str(record.msg) for record in caplog.records if "ledger_sealed" in str(record.msg)]
    assert str(LedgerSeal.objects.get()) in line


def test_every_task_has_its_schedule() -> None:
    periodic = app.periodic_registry.periodic_tasks.values()

    ours = [each for each in periodic if each.task.func.__module__ == tasks.__name__]
    assert {(each.task.name, each.cron) for each in ours} == {
        ("retry_events", "* * * * *"),
        ("check_cards", "* * * * *"),
        ("send_emails", "* * * * *"),
        ("reconcile_stripe", "7 * * * *"),
        ("close_expired_payments", "37 * * * *"),
        ("refresh_leaderboard", "*/5 * * * *"),
        ("retry_stalled_jobs", "*/5 * * * *"),
        ("seal_ledger", "*/5 * * * *"),
        ("close_days", "12 * * * *"),
        ("check_ledger", "17 3 * * *"),
        ("fold_people", "27 2 * * *"),
        ("close_deferred_events", "37 2 * * *"),
        ("purge", "47 2 * * *"),
    }


@pytest.mark.django_db(transaction=True)
def test_a_job_is_queued_at_most_once() -> None:
    tasks.retry_events.configure().defer(timestamp=0)

    with pytest.raises(AlreadyEnqueued):
        tasks.retry_events.configure().defer(timestamp=60)

    execute("DELETE FROM procrastinate_jobs")  # which Django's test case does not empty
