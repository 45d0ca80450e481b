"""The first qualifying purchase of a referred buyer pays both sides, ten times for one code."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person, give, register
from payments.tests.stripe_events import deliver, dispute, refer, refund, settle, turn
from referrals.eligibility import Decision
from referrals.models import Program, Referral
from referrals.tests.factories import ProgramFactory


def has_bought(person: Person) -> bool:
    person.user.refresh_from_db()
    return person.user.has_made_first_purchase


@pytest.mark.parametrize(
    ("cents", "balances", "qualified"),
    [
        (1, ("0.00", "0.01"), False),
        (999, ("0.00", "9.99"), False),
        (1000, ("10.00", "20.00"), True),
        (1001, ("10.00", "20.01"), True),
        (99_999_999, ("10.00", "1000009.99"), True),
    ],
)
def test_a_purchase_qualifies_from_ten_dollars_on(
    alice: Person, bob: Person, cents: int, balances: tuple[str, str], qualified: bool
) -> None:
    settle(bob.user, cents)

    assert (alice.balance(), bob.balance()) == balances
    assert has_bought(bob) is qualified


def test_a_buyer_without_a_referrer_gets_no_bonus(charlie: Person) -> None:
    payment = settle(charlie.user)

    assert payment.bonus_decision == Decision.NOT_REFERRED
    assert charlie.balance() == "10.00"
    assert has_bought(charlie)


def test_small_purchases_leave_the_bonus_to_the_first_that_is_large_enough(
    alice: Person, bob: Person
) -> None:
    small = [settle(bob.user, 500), settle(bob.user, 600)]
    had_bought = has_bought(bob)

    large, second = settle(bob.user, 1000), settle(bob.user, 2000)

    assert {payment.bonus_decision for payment in small} == {"below_minimum"}
    assert (had_bought, large.bonus_decision) == (False, "awarded")
    assert second.bonus_decision == Decision.NOT_FIRST
    assert (alice.balance(), bob.balance()) == ("10.00", "51.00")


def test_the_record_and_the_entries_say_who_referred_whom_and_under_which_terms(
    alice: Person, bob: Person
) -> None:
    settle(bob.user)

    made = Referral.objects.get()
    assert (made.referrer, made.referred_user) == (alice.user, bob.user)
    assert (made.referral_code, made.status, made.use_number) == (alice.code, "completed", 1)
    assert (made.program, made.max_uses) == (Program.objects.get(), 10)
    assert (made.bonus_amount, made.referee_bonus_amount) == (Decimal(10), Decimal(10))
    assert made.referrer_entry
    assert made.referrer_entry.idempotency_key == f"referrer_bonus:user:{bob.user.pk}:1"
    entries = LedgerEntry.objects.order_by("pk").values_list("user", "kind", "description")
    assert list(entries) == [
        (bob.user.pk, "purchase", "Purchase of credits"),
        (bob.user.pk, "referee_bonus", f"Bonus for registering with the code {alice.code}"),
        (alice.user.pk, "referrer_bonus", "Bonus for inviting a friend"),
    ]


def test_it_pays_no_bonus_after_ten_uses_of_one_code(
    alice: Person, bob: Person, charlie: Person
) -> None:
    referees = refer(alice, 10)

    payment = settle(bob.user)
    refer(charlie, 1)

    assert {referee.balance() for referee in referees} == {"20.00"}
    assert payment.bonus_decision == Decision.CAP_REACHED
    assert (alice.balance(), bob.balance(), charlie.balance()) == ("100.00", "10.00", "10.00")
    assert has_bought(bob)
    assert not Referral.objects.filter(referred_user=bob.user).exists()


@pytest.mark.parametrize("status", ["completed", "held", "reversed", "voided"])
def test_a_use_counts_whatever_becomes_of_it(alice: Person, bob: Person, status: str) -> None:
    refer(alice, 10)
    for referral in Referral.objects.all():
        turn(referral, status)

    settle(bob.user)

    assert set(Referral.objects.values_list("status", flat=True)) == {status}
    assert bob.balance() == "10.00"


@pytest.mark.parametrize(
    ("change", "decision", "balance"),
    [
        (lambda alice, bob: alice.change(is_active=False), Decision.REFERRER_GONE, "10.00"),
        (lambda alice, bob: alice.user.delete(), Decision.REFERRER_GONE, "10.00"),
        (lambda alice, bob: bob.change(is_active=False), Decision.AWARDED, "20.00"),
    ],
    ids=["referrer deactivated", "referrer deleted", "buyer deactivated"],
)
def test_a_purchase_settles_whatever_became_of_its_people(
    alice: Person, bob: Person, change: Any, decision: str, balance: str
) -> None:
    change(alice, bob)

    payment = settle(bob.user)

    assert (payment.bonus_decision, bob.balance()) == (decision, balance)
    assert has_bought(bob)
    earned = User.objects.filter(username="alice").values_list("credits", flat=True)
    assert [*earned] in ([Decimal(balance) - 10], [])


def test_new_terms_hold_from_their_start_on_and_what_was_paid_is_kept(
    alice: Person, bob: Person
) -> None:
    settle(bob.user)
    ProgramFactory.create(
        is_future=True,
        referrer_bonus=Decimal("7.50"),
        referee_bonus=Decimal("2.25"),
        max_uses=2,
    )
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        (dave,) = refer(alice)
        stats = alice.api.get("/referral/stats").json()

    assert (bob.balance(), dave.balance(), alice.balance()) == ("20.00", "12.25", "17.50")
    assert stats["total_earned"] == 17.5
    assert [referral["bonus_earned"] for referral in stats["referrals"]] == [7.5, 10.0]
    first = Referral.objects.earliest("pk")
    assert (first.bonus_amount, first.max_uses) == (Decimal(10), 10)


def test_a_new_minimum_and_code_length_apply_to_those_who_sign_up_later(alice: Person) -> None:
    ProgramFactory.create(is_future=True, minimum_purchase=Decimal("25.00"), code_length=12)

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        late = register("late", code=alice.code)
        decisions = [settle(late.user, cents).bonus_decision for cents in (2499, 2500)]

    assert decisions == ["below_minimum", "awarded"]
    assert (len(alice.code), len(late.code)) == (8, 12)


def test_a_higher_cap_gives_an_exhausted_code_new_uses_and_a_lower_one_ends_it(
    alice: Person, bob: Person
) -> None:
    refer(alice, 10)
    ProgramFactory.create(is_future=True, max_uses=11)
    ProgramFactory.create(starts_at=timezone.now() + timedelta(days=3), max_uses=2)

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        refer(alice)
        late = register("late", code=alice.code)
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        payment = settle(bob.user)
        stats = alice.api.get("/referral/stats").json()

    assert alice.balance() == "110.00"
    assert late.user.referred_by_code is None
    assert payment.bonus_decision == Decision.CAP_REACHED
    assert (stats["total_uses"], stats["remaining_uses"], stats["max_uses"]) == (11, 0, 2)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"referrer_bonus": Decimal(0)},
        {"referee_bonus": Decimal(-1)},
        {"minimum_purchase": Decimal(0)},
        {"max_uses": 0},
        {"code_length": 5},
        {"code_length": 17},
    ],
)
def test_the_database_refuses_invalid_terms(db: None, nonsense: Any) -> None:
    with pytest.raises(IntegrityError, match="programs_"), transaction.atomic():
        ProgramFactory.create(is_future=True, **nonsense)


def test_no_entry_names_anybody(alice: Person, bob: Person) -> None:
    """An entry stays for ever, and a person may want to be forgotten."""
    payment = settle(bob.user, 2000)
    deliver(dispute(payment, 2000))
    deliver(dispute(payment, 2000, "won"))
    deliver(refund(payment, 1500))
    for person in (alice, bob):
        give(person, "5.00")

    described = set(LedgerEntry.objects.values_list("description", flat=True))

    assert len(described) > 5
    assert not any(name in text.lower() for text in described for name in ("alice", "bob"))


@pytest.mark.parametrize(
    ("addresses", "is_flagged"),
    [(("192.0.2.1", "192.0.2.1"), True), (("192.0.2.1", "192.0.2.2"), False), (("", ""), False)],
)
def test_one_network_address_is_flagged_and_holds_nothing(
    alice: Person, bob: Person, addresses: tuple[str, str], is_flagged: bool
) -> None:
    for person, address in zip((alice, bob), addresses, strict=True):
        person.change(signup_address=address)

    settle(bob.user, 1000)

    referral = Referral.objects.get()
    assert (referral.is_same_address, referral.status) == (is_flagged, "completed")
