"""Whatever happened, a simulation says what the same purchases would really have brought."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Count, Q, Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.tests.factories import register
from payments.reports.terms_simulation import WINDOW, Simulation, simulate
from payments.tests.stripe_events import deliver, refund, settle
from payments.tests.test_database_guards import undone
from referrals.models import Program, Referral
from referrals.tests.factories import ProgramFactory

pytestmark = pytest.mark.slow

TERMS = st.fixed_dictionaries(
    {
        "referrer_bonus": st.sampled_from([Decimal(10), Decimal("7.50")]),
        "referee_bonus": st.sampled_from([Decimal(10), Decimal(3)]),
        "minimum_purchase": st.sampled_from([Decimal(10), Decimal(5), Decimal(20)]),
        "max_uses": st.sampled_from([10, 1, 2, 3]),
        "budget": st.sampled_from([None, Decimal(40), Decimal("35.01"), Decimal(20)]),
    }
)


NUMBERS = st.integers(0, 9)
# One of the people buys for so many cents; perhaps all of it is refunded.
Buys = tuple[int, int, bool]
PURCHASES = st.lists(
    st.tuples(NUMBERS, st.sampled_from([1000, 500, 2000, 999]), st.booleans()), max_size=8
)
# Somebody registers with the code of an earlier one, perhaps from the same mailbox.
Joins = tuple[int | None, bool]
PEOPLE = st.lists(st.tuples(st.none() | st.integers(0, 3), st.booleans()), min_size=3, max_size=9)


def join(people: list[Joins]) -> list[User]:
    known: list[User] = []
    for number, (code_of, is_alias) in enumerate(people):
        referrer = known[code_of % len(known)] if known and code_of is not None else None
        member = register(f"person{number}", code=referrer.referral_code if referrer else None).user
        if referrer and is_alias:
            member.email = referrer.email.replace("@", f"+{number}@")
            member.save(update_fields=["email"])
        known.append(member)
    return known


def play(people: list[User], purchases: list[Buys]) -> None:
    for who, cents, is_refunded in purchases:
        payment = settle(people[who % len(people)], cents)
        if is_refunded:
            deliver(refund(payment, payment.amount))


Awards = dict[str, tuple[int, int, Decimal, Decimal]]


def really_awarded(since: datetime) -> Awards:
    """Return what the records say of each referrer, without a line of the simulation."""
    rows = (
        Referral.objects.filter(completed_at__gte=since)
        .values_list("referrer__username")
        .annotate(
            uses=Count("pk"),
            held=Count("pk", filter=Q(payment__bonus_decision="held")),
            to_referrer=Sum("bonus_amount"),
            to_referees=Sum("referee_bonus_amount"),
        )
    )
    return {name: tuple(figures) for name, *figures in rows}


def simulated(result: Simulation, which: str) -> Awards:
    tallies = {line.username: getattr(line, which) for line in result.referrers.values()}
    return {
        name: (tally.uses, tally.held, tally.to_referrers, tally.to_referees)
        for name, tally in tallies.items()
        if tally.uses
    }


@pytest.mark.django_db
@given(
    people=PEOPLE,
    gone=st.none() | NUMBERS,
    before=PURCHASES,
    during=PURCHASES,
    drafted=TERMS,
    real=TERMS,
)
def test_it_says_what_the_same_purchases_really_bring_under_the_draft(
    people: list[Joins],
    gone: int | None,
    before: list[Buys],
    during: list[Buys],
    drafted: dict[str, Any],
    real: dict[str, Any],
) -> None:
    with undone():
        known = join(people)
        play(known, before)
        if gone is not None:
            User.objects.filter(pk=known[gone % len(known)].pk).update(is_active=False)
        began = timezone.now()
        if drafted["budget"] or real["budget"]:
            # A refund returns its award to the budget, which a simulation does not foresee.
            during = [(who, cents, False) for who, cents, _ in during]
        with undone():
            ProgramFactory.create(**drafted)
            play(known, during)
            under_the_draft = really_awarded(began)
        ProgramFactory.create(**real)
        play(known, during)
        result = simulate(Program(**drafted), now=began + WINDOW)
        as_it_was = simulate(Program(**real), now=began + WINDOW)

        assert simulated(result, "drafted") == under_the_draft
        assert simulated(result, "paid") == really_awarded(began)
        assert simulated(as_it_was, "drafted") == simulated(as_it_was, "paid")
        assert (as_it_was.newly_qualifying, as_it_was.no_longer_qualifying) == (0, 0)
