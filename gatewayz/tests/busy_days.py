"""Busy days for the overview to tell of: something of everything, some of it a week ago."""

from datetime import datetime, timedelta
from decimal import Decimal

import time_machine
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person, give, register
from accounts.tests.test_adjustments import ask
from payments.tasks import close_days
from payments.tests.at_once import execute
from payments.tests.factories import StripeEventFactory
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    failed_event,
    pending_payment,
    refer,
    refund,
    settle,
    turn,
)
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory


def go_by(now: datetime) -> None:
    """Let something of everything happen within the last seven days, and something before."""
    with _days_before(now, 10):
        ProgramFactory.create(budget=Decimal(100))
        alice = register("alice")
        settle(register("early").user, 2500)
    _before(alice, now)
    _money_back(alice, now)
    with _days_before(now, 2):
        settle(User.objects.get(username="late"))
        register("idle", code=alice.code)
        settle(register("small", code=alice.code).user, 500)
    _trouble(alice)
    close_days.configure().defer(timestamp=0)
    execute("UPDATE procrastinate_jobs SET status = 'failed'")


def _days_before(now: datetime, days: int) -> time_machine.travel:
    return time_machine.travel(now - timedelta(days=days), tick=False)


def _before(alice: Person, now: datetime) -> None:
    """Two came, of whom one bought then; the other buys in the period."""
    with _days_before(now, 9):
        register("late", code=alice.code)
        refer(alice)


def _money_back(alice: Person, now: datetime) -> None:
    """A refund that leaves a debt; a dispute of before, dropped in the period; one that is won."""
    with _days_before(now, 8):
        dropped = settle(register("dropped").user)
        deliver(dispute(dropped, 1000))
    with _days_before(now, 3):
        deliver(dispute(dropped, 1000, status="warning_closed"))
        debtor = register("debtor")
        purchase = settle(debtor.user)
        give(debtor, "-8")
        deliver(refund(purchase, 1000))
        won = settle(register("won", code=alice.code).user)
        deliver(dispute(won, 1000))
        deliver(dispute(won, 1000, status="won"))


def _trouble(alice: Person) -> None:
    """Something of all that waits for a person, and an event that came just now."""
    refer(alice)
    turn(Referral.objects.latest("pk"), "held")
    deliver(event(pending_payment(alice.user), amount_total=1))
    ask(alice, "1000")
    for minutes in (1, 10):
        StripeEventFactory.create(received_at=timezone.now() - timedelta(minutes=minutes))
    failed_event(pending_payment(alice.user))
