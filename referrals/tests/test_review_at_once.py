"""A held bonus is decided once, also under simultaneous decisions and refunds."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone

from accounts import audit
from accounts.tests.factories import Person, reviewer
from payments.tests.at_once import at_once, refusing
from payments.tests.stripe_events import deliver, dispute, settle
from referrals import review
from referrals.models import Referral
from referrals.tests.test_review import end_of, release, void

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(decide: Callable[[Referral], Referral], referral: Referral) -> str:
    try:
        return decide(referral).status
    except review.NotHeldError:
        return "not held"


def test_eight_simultaneous_releases_pay_once(alice: Person, bob: Person, held: Referral) -> None:
    reviewer()

    outcomes = at_once(*[partial(outcome, release, held)] * 8)

    assert Counter(outcomes) == {"completed": 1, "not held": 7}
    assert end_of(alice, bob) == ("completed", "10.00", "20.00")
    assert audit.of(held).count() == 1


def test_simultaneous_release_and_void_decide_once(
    alice: Person, bob: Person, held: Referral
) -> None:
    reviewer()

    outcomes = at_once(*(partial(outcome, act, held) for act in [release, void] * 4))

    assert Counter(outcomes)["not held"] == 7
    assert end_of(alice, bob) in {
        ("completed", "10.00", "20.00"),
        ("voided", "0.00", "10.00"),
    }


def test_a_deadlock_is_retried(alice: Person, bob: Person) -> None:
    referral = settle(bob.user).referral
    assert referral
    reviewer()

    with refusing("referrals", sqlstate="40P01", times=1):
        review.hold(referral.pk, reason="One card", now=timezone.now())
    with refusing("referrals", sqlstate="40P01", times=1):
        release(referral)

    assert end_of(alice, bob) == ("completed", "10.00", "20.00")


def test_a_bonus_released_during_a_dispute_is_not_paid(
    alice: Person, bob: Person, held: Referral
) -> None:
    reviewer()
    disputed = dispute(held.payment, 1000)

    at_once(partial(outcome, release, held), partial(deliver, disputed))

    assert end_of(alice, bob) == ("reversed", "0.00", "0.00")
