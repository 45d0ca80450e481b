"""Why a person has the bonuses that she has, what is still needed, and what would happen now."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.explanations import WhatIf
from payments.tests.stripe_events import pending_payment, refer, settle
from payments.user_explanations import LISTED_PURCHASES, UserAnswer, explain_user
from referrals.tests.factories import ProgramFactory


def why(person: Person, cents: int | None = None) -> UserAnswer:
    person.user.refresh_from_db()
    return explain_user(person.user, cents=cents, now=timezone.now())


def now_of(person: Person, cents: int) -> WhatIf:
    """Return what a purchase would earn now."""
    return why(person, cents).what_if


class TestAttribution:
    def test_it_tells_whose_code_it_was(self, alice: Person, bob: Person) -> None:
        assert why(bob).attribution == f"Registered with the code {alice.code} of alice."

    def test_it_tells_that_the_referrer_is_deleted(self, alice: Person, bob: Person) -> None:
        code = alice.code
        alice.user.delete()

        told = why(bob).attribution
        assert told == f"Registered with the code {code}, whose owner's account is deleted."

    @pytest.mark.parametrize("code", [None, "NOSUCH00"])
    def test_none_and_a_refused_one_are_one(self, db: None, code: str | None) -> None:
        stranger = register("stranger", code=code)

        assert why(stranger).attribution.startswith("Registered without a code that counts")


class TestPurchases:
    def test_without_any_it_tells_what_is_needed(self, bob: Person) -> None:
        answer = why(bob)

        assert answer.summary == "bob has not made a qualifying purchase yet: $10.00 or more."
        assert answer.purchases == []

    def test_a_small_one_leaves_that_open(self, bob: Person) -> None:
        settle(bob.user, 500)

        answer = why(bob)

        assert answer.summary == "bob has not made a qualifying purchase yet: $10.00 or more."
        assert answer.purchases[0].summary.startswith("No bonus: the purchase of $5.00")

    def test_the_decisive_one_comes_first(self, bob: Person) -> None:
        small, decisive, later = (settle(bob.user, cents) for cents in (500, 1000, 2000))

        answer = why(bob)

        assert [told.payment for told in answer.purchases] == [decisive, later, small]
        assert answer.summary == "Bonus paid: $10.00 to alice, $10.00 to bob."

    def test_the_decisive_one_comes_first_however_many_came_after(self, bob: Person) -> None:
        decisive = settle(bob.user)
        for _ in range(LISTED_PURCHASES + 1):
            pending_payment(bob.user)

        purchases = why(bob).purchases

        assert (len(purchases), purchases[0].payment) == (LISTED_PURCHASES + 1, decisive)

    def test_one_that_is_on_no_record_is_said_to_be(self, bob: Person) -> None:
        User.objects.filter(pk=bob.user.pk).update(has_made_first_purchase=True)

        assert why(bob).summary == "A purchase has qualified, but which one was not kept."


def nothing_else(alice: Person, bob: Person) -> None:
    """Leave it as it is."""


def deactivate(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)


def use_up(alice: Person, bob: Person) -> None:
    refer(alice, 10)


def spend(alice: Person, bob: Person) -> None:
    ProgramFactory.create(budget=Decimal("30.00"))
    refer(alice, 1)


def share_a_mailbox(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(email="Alice+bob@example.com")


def buy(alice: Person, bob: Person) -> None:
    settle(bob.user)


class TestWhatIf:
    @pytest.mark.parametrize(
        ("before", "cents", "decision", "summary"),
        [
            (
                nothing_else,
                1000,
                "awarded",
                "A purchase of $10.00 now would earn a bonus for both sides, $20.00 in all.",
            ),
            (
                nothing_else,
                999,
                "below_minimum",
                "A purchase of $9.99 now would earn no bonus: the purchase of $9.99 is below the "
                "minimum of $10.00; a later one may still qualify.",
            ),
            (
                buy,
                1000,
                "not_first",
                "A purchase of $10.00 now would earn no bonus: an earlier purchase has qualified.",
            ),
            (
                deactivate,
                1000,
                "referrer_gone",
                "A purchase of $10.00 now would earn no bonus: the account of the referrer alice "
                "is deactivated.",
            ),
            (
                use_up,
                1000,
                "cap_reached",
                "A purchase of $10.00 now would earn no bonus: 10 uses of the code are allowed, "
                "and 10 are taken.",
            ),
            (
                spend,
                1000,
                "budget_spent",
                "A purchase of $10.00 now would earn no bonus: only $10.00 is left of the "
                "program's budget, for $20.00.",
            ),
            (
                share_a_mailbox,
                1000,
                "held",
                "A purchase of $10.00 now would earn a bonus that is held for review: both e-mail "
                "addresses are one mailbox.",
            ),
        ],
    )
    def test_it_says_what_a_purchase_would_earn_now(
        self,
        alice: Person,
        bob: Person,
        before: Callable[[Person, Person], None],
        cents: int,
        decision: str,
        summary: str,
    ) -> None:
        before(alice, bob)

        found = now_of(bob, cents)

        assert (found.decision, found.summary) == (decision, summary)

    def test_who_was_not_invited_would_earn_nothing(self, charlie: Person) -> None:
        assert now_of(charlie, 1000).decision == "not_referred"

    def test_it_asks_about_the_minimum_unless_told(self, bob: Person) -> None:
        ProgramFactory.create(minimum_purchase=Decimal("25.00"))

        assert why(bob).what_if.amount == Decimal("25.00")

    @pytest.mark.parametrize(
        "before", [nothing_else, deactivate, use_up, spend, share_a_mailbox, buy]
    )
    @pytest.mark.parametrize("cents", [999, 1000])
    def test_it_is_what_happens_then(
        self,
        alice: Person,
        bob: Person,
        before: Callable[[Person, Person], None],
        cents: int,
    ) -> None:
        before(alice, bob)
        expected = now_of(bob, cents)

        payment = settle(bob.user, cents)

        assert payment.bonus_decision == expected.decision
        assert payment.gates == gates_of(expected)

    def test_it_writes_nothing(self, alice: Person, bob: Person) -> None:
        ProgramFactory.create(budget=Decimal("100.00"))

        with CaptureQueriesContext(connection) as asked:
            now_of(bob, 1000)

        assert {query["sql"].split()[0] for query in asked} == {"SELECT"}
        assert not any("FOR NO KEY UPDATE" in query["sql"] for query in asked)


def gates_of(found: WhatIf) -> list[dict[str, str]]:
    return [vars(line.gate) for line in found.lines]


@pytest.mark.parametrize("count", [2, 5])
def test_a_person_is_explained_in_as_many_queries_whatever_she_has_done(
    alice: Person, count: int, django_assert_num_queries: Any
) -> None:
    user = register("carol", code=alice.code)
    refer(user, count)
    for _ in range(count):
        settle(user.user)
    user.user.refresh_from_db()

    with django_assert_num_queries(9):
        explain_user(user.user, cents=1000, now=timezone.now())
