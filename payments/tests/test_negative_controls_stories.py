"""Guards that no other test would miss, each with the story that it is there for."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.tests.factories import Person, reviewer
from payments import clawbacks
from payments.models import Payment
from payments.outcomes import QuarantinedError
from payments.tests.stripe_events import deliver, event, pending_payment, settle, turn
from referrals import review
from referrals.models import Referral

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_who_saves_an_old_copy_of_a_person_puts_nothing_back(bob: Person) -> None:
    old = User.objects.get(pk=bob.user.pk)
    settle(bob.user)

    old.first_name = "Bob"
    old.save()

    bob.user.refresh_from_db()
    assert (bob.user.first_name, bob.balance()) == ("Bob", "20.00")
    assert bob.user.has_made_first_purchase


def test_what_is_quarantined_halfway_leaves_nothing_behind(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(payment: Payment, *, now: datetime) -> None:
        raise QuarantinedError("it does not fit after all")

    monkeypatch.setattr(clawbacks, "apply_early_clawbacks", refuse)

    answer = deliver(event(pending_payment(bob.user)))

    assert answer.json()["outcome"] == "quarantined"
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")


def test_the_bonus_of_a_deactivated_referrer_is_not_released(alice: Person, bob: Person) -> None:
    settle(bob.user)
    referral = Referral.objects.get()
    turn(referral, "held")
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    with pytest.raises(review.ReferrerGoneError):
        review.release(referral.pk, by=reviewer(), note="They share an inbox.", now=NOW)

    assert (alice.balance(), bob.balance()) == ("0.00", "10.00")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"taken_back": 1001}, "payments_taken_back_at_most_given"),
        ({"ledger_entry": None}, "payments_paid_means_credited"),
        ({"currency": "eur"}, "payments_in_us_dollars"),
    ],
)
def test_the_database_refuses_a_payment_that_cannot_be(
    bob: Person, change: dict[str, object], constraint: str
) -> None:
    settle(bob.user)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Payment.objects.update(**change)


def test_the_database_refuses_a_second_purchase_of_one_key(bob: Person) -> None:
    first, second = pending_payment(bob.user), pending_payment(bob.user)
    Payment.objects.filter(pk=first.pk).update(idempotency_key="order-1")

    with pytest.raises(IntegrityError, match="asked_for_once"), transaction.atomic():
        Payment.objects.filter(pk=second.pk).update(idempotency_key="order-1")


def test_the_database_refuses_a_use_of_ones_own_code(alice: Person, bob: Person) -> None:
    settle(bob.user)

    with pytest.raises(IntegrityError, match="not_of_oneself"), transaction.atomic():
        Referral.objects.update(referrer=bob.user)


def test_the_database_refuses_a_second_referral_of_one_person(alice: Person, bob: Person) -> None:
    settle(bob.user)
    again = Referral.objects.get()
    again.pk, again.use_number = None, 2
    again.referrer_entry = again.referee_entry = None
    again.status, again.purchase_qualifies = "reversed", False

    with pytest.raises(IntegrityError, match="referred_user"), transaction.atomic():
        again.save(force_insert=True)
