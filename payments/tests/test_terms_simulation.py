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
from accounts.tests.factories import Person, register
from payments.models import Payment
from payments.reports.terms_simulation import WINDOW, Simulation, Tally, simulate
from payments.tests.stripe_events import deliver, refer, refund, settle, turn
from payments.tests.test_database_guards import undone
from referrals.models import Program, Referral
from referrals.tests.factories import ProgramFactory


def draft(**changes: Any) -> Program:
    terms = {"referrer_bonus": 10, "referee_bonus": 10, "minimum_purchase": 10, "max_uses": 10}
    amounts = {name: Decimal(value) for name, value in (terms | changes).items()}
    return Program(starts_at=timezone.now(), **amounts)


def simulated(**changes: Any) -> Simulation:
    """Simulate the wiki's terms with `changes` on all that happened."""
    return simulate(draft(**changes), now=timezone.now())


def uses_and_total(tally: Tally) -> tuple[int, Decimal]:
    return tally.uses, tally.total


def test_a_lower_minimum_finds_those_who_bought_for_less_and_a_higher_one_waits_for_enough(
    bob: Person,
) -> None:
    settle(bob.user, 500)
    lower = simulated(minimum_purchase=5)
    settle(bob.user, 1000)
    settle(bob.user, 2500)

    higher = simulated(minimum_purchase=25)

    assert (lower.all.paid.uses, lower.all.drafted.uses, lower.newly_qualifying) == (0, 1, 1)
    [line] = lower.most_changed(20)
    assert (line.username, line.difference) == ("alice", Decimal(20))
    assert (higher.newly_qualifying, higher.no_longer_qualifying) == (1, 1)
    assert (higher.all.paid.uses, higher.all.drafted.uses) == (1, 1)


def test_a_lower_cap_counts_the_uses_from_before_the_window(alice: Person) -> None:
    refer(alice, 2)
    began = timezone.now()
    refer(alice, 3)

    found = simulate(draft(max_uses=4), now=began + WINDOW)

    assert (found.all.paid.uses, found.all.drafted.uses, found.purchases) == (3, 2, 3)


def test_a_budget_ends_where_it_is_spent_or_is_forecast_at_the_pace_of_the_purchases(
    alice: Person,
) -> None:
    refer(alice, 2)
    lasting = simulated(budget=80)
    refer(alice, 1)

    found = simulated(budget=50)

    assert lasting.spent_at is None
    assert lasting.first_at
    assert lasting.budget_lasts == 2 * (lasting.until - lasting.first_at)
    assert uses_and_total(found.all.drafted) == (2, Decimal(40))
    assert found.first_at
    assert found.spent_at
    assert found.spent_at == Payment.objects.latest("paid_at").paid_at
    assert found.budget_lasts == found.spent_at - found.first_at


@pytest.mark.parametrize("changes", [{}, {"budget": 100}])
def test_where_nothing_is_paid_no_budget_ends(db: None, changes: dict[str, Any]) -> None:
    found = simulated(**changes)

    assert (found.budget_lasts, found.referrers, found.purchases) == (None, {}, 0)


@pytest.mark.parametrize("later", ["reversed", "held", "voided"])
def test_what_became_of_a_bonus_later_is_not_counted(bob: Person, later: str) -> None:
    settle(bob.user)
    turn(Referral.objects.get(), later)

    both = simulated().all

    assert uses_and_total(both.paid) == uses_and_total(both.drafted) == (1, Decimal(20))


def test_those_for_whom_most_changes_come_first(alice: Person, charlie: Person) -> None:
    refer(alice, 1)
    refer(charlie, 2)

    names = [line.username for line in simulated(referrer_bonus=5).most_changed(1)]

    assert names == ["charlie"]


def test_it_reads_in_three_queries_and_leaves_the_draft_as_it_is(
    alice: Person, django_assert_num_queries: Any
) -> None:
    refer(alice, 3)
    terms = draft(budget=100)

    with django_assert_num_queries(3):
        simulate(terms, now=timezone.now())

    assert terms.reserved == 0
    assert Program.objects.count() == 1


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


def simulated_awards(result: Simulation, which: str) -> Awards:
    tallies = {line.username: getattr(line, which) for line in result.referrers.values()}
    return {
        name: (tally.uses, tally.held, tally.to_referrers, tally.to_referees)
        for name, tally in tallies.items()
        if tally.uses
    }


@pytest.mark.slow
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

        assert simulated_awards(result, "drafted") == under_the_draft
        assert simulated_awards(result, "paid") == really_awarded(began)
        assert simulated_awards(as_it_was, "drafted") == simulated_awards(as_it_was, "paid")
        assert (as_it_was.newly_qualifying, as_it_was.no_longer_qualifying) == (0, 0)
