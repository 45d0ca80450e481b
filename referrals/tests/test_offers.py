"""What sign-up promised is honoured for the days of the offer (CONTRACT 2.12)."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import LedgerEntry
from accounts.tests.factories import Person, register
from payments.explanations.answers import explain_person, explain_purchases
from payments.explanations.messages import Audience
from payments.models import Payment
from payments.tests.stripe_events import settle
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory

DAY = timedelta(days=1)
MONEY = st.sampled_from(["0.01", "5.00", "10.00", "20.00", "50.00"]).map(Decimal)
TERMS = st.fixed_dictionaries(
    {
        "referrer_bonus": MONEY,
        "referee_bonus": MONEY,
        "minimum_purchase": MONEY,
        "max_uses": st.integers(1, 3),
    }
)


def bonuses_of(person: Person) -> Decimal:
    kinds = ("referrer_bonus", "referee_bonus")
    entries = LedgerEntry.objects.filter(user=person.user, kind__in=kinds)
    return sum(entries.values_list("amount", flat=True), Decimal(0))


@pytest.mark.slow
@given(promised=TERMS, later=st.lists(TERMS, max_size=2), amount=MONEY)
def test_a_purchase_never_brings_less_than_sign_up_promised(
    db: None, promised: dict[str, Decimal], later: list[dict[str, Decimal]], amount: Decimal
) -> None:
    name = f"any{Referral.objects.count()}_{Payment.objects.count()}_{timezone.now():%f}"
    ProgramFactory.create(**promised)
    alice = register(name)
    bob = register(f"{name}_friend", code=alice.code)
    for terms in later:
        ProgramFactory.create(**terms)

    settle(bob.user, int(amount * 100))

    award = promised["referrer_bonus"] + promised["referee_bonus"]
    brought = bonuses_of(alice) + bonuses_of(bob)
    assert brought >= (award if amount >= promised["minimum_purchase"] else 0)
    assert brought in {0, award, *(t["referrer_bonus"] + t["referee_bonus"] for t in later[-1:])}


@pytest.mark.parametrize(
    ("days", "bonus", "said"),
    [
        (89, "10.00", "The terms from 2026-01-01 (promised with the invitation) were applied"),
        (90, "5.00", "were applied: a bonus of $10.00 in all."),
    ],
)
def test_lower_terms_apply_once_the_offer_has_ended(
    alice: Person, bob: Person, days: int, bonus: str, said: str
) -> None:
    ProgramFactory.create(referrer_bonus=Decimal(5), referee_bonus=Decimal(5))

    with time_machine.travel(bob.user.created_at + days * DAY, tick=False):
        person = explain_person(bob.user, Audience.OPERATOR, cents=1000, now=timezone.now())
        payment = settle(bob.user)

    assert alice.balance() == bonus
    [answer] = explain_purchases(Payment.objects.filter(pk=payment.pk))
    assert said in answer.checks[0].sentence
    assert ("promised" in person.what_if.checks[0].sentence) == (days == 89)


def test_better_terms_apply_to_those_who_signed_up_before_them(alice: Person, bob: Person) -> None:
    terms = ProgramFactory.create(referrer_bonus=Decimal(15))

    settle(bob.user)

    assert alice.balance() == "15.00"
    assert Referral.objects.get().program == terms


def test_the_days_are_those_of_the_terms_that_made_the_offer(alice: Person) -> None:
    ProgramFactory.create(offer_days=5, referrer_bonus=Decimal(20))
    bob, dora = (register(name, code=alice.code) for name in ("bob", "dora"))
    ProgramFactory.create()

    for person, days in ((bob, 4), (dora, 6)):
        with time_machine.travel(timezone.now() + days * DAY):
            settle(person.user)

    assert alice.balance() == "30.00"


def test_when_the_budget_of_the_promise_is_spent_the_terms_in_force_count(alice: Person) -> None:
    promised = ProgramFactory.create(budget=Decimal(30), referrer_bonus=Decimal(20))
    bob, dora = (register(name, code=alice.code) for name in ("bob", "dora"))
    in_force = ProgramFactory.create()

    for person in (bob, dora):
        settle(person.user)

    assert [one.program for one in Referral.objects.order_by("pk")] == [promised, in_force]
    assert alice.balance() == "30.00"


@pytest.mark.parametrize("end", ["cap", "budget"])
def test_terms_that_pay_nothing_do_not_end_the_offer(alice: Person, end: str) -> None:
    """Ten dollars are too few for what sign-up promised; fifty are not."""
    promised = {"minimum_purchase": Decimal(50), "referrer_bonus": Decimal(20)}
    ProgramFactory.create(**promised)
    bob, dora = (register(name, code=alice.code) for name in ("bob", "dora"))
    cap, budget = (1, None) if end == "cap" else (10, Decimal(20))
    ProgramFactory.create(max_uses=cap, budget=budget)
    settle(dora.user)

    decisions = [settle(bob.user, cents).bonus_decision for cents in (1000, 5000)]

    assert decisions == ["below_minimum", "awarded"]
    assert bonuses_of(alice) == 30
