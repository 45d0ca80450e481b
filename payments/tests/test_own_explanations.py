"""`GET /referral/explain` answers the person herself, and tells nothing of others."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import ApiKey, User
from accounts.tests.factories import Person, register, reviewer
from payments.models import Payment
from payments.tests.stripe_events import refer, settle, turn
from referrals import review
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory


def explain(person: Person, query: str = "") -> dict[str, Any]:
    response = person.api.get(f"/referral/explain{query}")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def use_up(alice: Person, bob: Person) -> None:
    refer(alice, 10)


def deactivate(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)


def spend(alice: Person, bob: Person) -> None:
    ProgramFactory.create(budget=Decimal("10.00"))


def share_a_mailbox(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(email="Alice+bob@example.com")


class TestOnesOwn:
    def test_before_buying_it_tells_what_the_invitation_brings(self, bob: Person) -> None:
        told = explain(bob)

        assert told["summary"] == (
            "alice invited you: your first purchase of $10.00 or more brings you a bonus of $10.00."
        )
        assert (told["gates"], told["what_if"]) == ([], None)

    @pytest.mark.parametrize(
        ("before", "summary"),
        [
            (
                use_up,
                "A purchase of $10.00 now would bring no bonus: the invitation has no use left.",
            ),
            (
                deactivate,
                "A purchase of $10.00 now would bring no bonus: the account of whoever invited you "
                "is not active.",
            ),
            (
                spend,
                "A purchase of $10.00 now would bring no bonus: the program has no more bonuses "
                "to give.",
            ),
        ],
    )
    def test_it_promises_nothing_that_would_not_come(
        self, alice: Person, bob: Person, before: Callable[[Person, Person], None], summary: str
    ) -> None:
        before(alice, bob)

        assert explain(bob)["summary"] == summary

    def test_without_an_invitation_there_is_none_to_come(self, charlie: Person) -> None:
        assert explain(charlie)["summary"].endswith(
            "no bonus: you registered without an invitation that counts."
        )

    def test_a_bonus_is_told_with_every_gate_but_the_checks_for_fraud(self, bob: Person) -> None:
        settle(bob.user)

        told = explain(bob)

        assert told["summary"] == "You got $10.00 for registering with the invitation of alice."
        assert [gate["gate"] for gate in told["gates"]] == [
            *("terms", "minimum", "first", "attributed", "referrer", "other", "cap", "budget")
        ]
        assert told["gates"][1] == {
            "gate": "minimum",
            "verdict": "passed",
            "sentence": "The purchase of $10.00 was enough; the minimum was $10.00.",
        }

    def test_a_small_purchase_is_told_with_what_may_still_come(self, bob: Person) -> None:
        settle(bob.user, 500)

        told = explain(bob)

        assert told["summary"].startswith("alice invited you: your first purchase of $10.00")
        assert told["gates"][1]["sentence"] == (
            "The purchase of $5.00 was below the minimum of $10.00; a later one may still count."
        )

    @pytest.mark.parametrize(
        ("before", "summary"),
        [
            (use_up, "You got no bonus: the invitation had no use left."),
            (
                deactivate,
                "You got no bonus: the account of whoever invited you was not active.",
            ),
            (spend, "You got no bonus: the program had no more bonuses to give."),
            (share_a_mailbox, "Your bonus is under review."),
        ],
    )
    def test_a_purchase_that_brought_none_is_told_with_the_reason(
        self, alice: Person, bob: Person, before: Callable[[Person, Person], None], summary: str
    ) -> None:
        before(alice, bob)
        settle(bob.user)

        assert explain(bob)["summary"] == summary

    @pytest.mark.parametrize(
        ("status", "summary"),
        [
            ("held", "Your bonus is under review."),
            ("reversed", "Your bonus does not stand: its purchase no longer counts."),
            ("voided", "Your bonus was not granted."),
        ],
    )
    def test_a_bonus_that_does_not_stand_is_told_to(
        self, bob: Person, status: str, summary: str
    ) -> None:
        settle(bob.user)
        turn(Referral.objects.get(), status)

        assert explain(bob)["summary"] == summary

    def test_what_was_released_is_a_bonus_like_any(self, alice: Person, bob: Person) -> None:
        share_a_mailbox(alice, bob)
        settle(bob.user)
        referral_id = Referral.objects.get().pk
        review.release(referral_id, by=reviewer(), note="A couple.", now=timezone.now())

        assert explain(bob)["summary"].startswith("You got $10.00 for registering")

    def test_without_stored_gates_it_says_what_it_knows(self, alice: Person, bob: Person) -> None:
        use_up(alice, bob)
        payment = settle(bob.user)
        Payment.objects.filter(pk=payment.pk).update(gates=[])

        assert explain(bob)["summary"] == "You got no bonus."

    def test_a_purchase_that_is_on_no_record_is_said_to_be(self, bob: Person) -> None:
        User.objects.filter(pk=bob.user.pk).update(has_made_first_purchase=True)

        assert explain(bob)["summary"].startswith("A purchase of yours has counted; why")


class TestWhatIf:
    def test_it_tells_what_a_purchase_would_bring(self, bob: Person) -> None:
        what_if = explain(bob, "?amount=1000")["what_if"]

        assert (what_if["amount"], what_if["decision"]) == (1000, "awarded")
        assert (
            what_if["summary"] == "A purchase of $10.00 now would bring a bonus of $10.00 for you."
        )
        assert {gate["verdict"] for gate in what_if["gates"]} == {"passed"}

    def test_too_little_is_told_to_be(self, bob: Person) -> None:
        what_if = explain(bob, "?amount=999")["what_if"]

        assert what_if["decision"] == "below_minimum"
        assert what_if["summary"] == (
            "A purchase of $9.99 now would bring no bonus: the purchase of $9.99 is below the "
            "minimum of $10.00; a later one may still count."
        )

    def test_a_second_purchase_brings_nothing(self, bob: Person) -> None:
        settle(bob.user)

        assert explain(bob, "?amount=1000")["what_if"]["decision"] == "not_first"

    def test_it_does_not_tell_who_would_be_held(self, alice: Person, bob: Person) -> None:
        before = explain(bob, "?amount=1000")

        share_a_mailbox(alice, bob)

        assert explain(bob, "?amount=1000") == before

    @pytest.mark.parametrize(
        "amount",
        [
            "",
            "0",
            "-1",
            "1.0",
            "10.5",
            "1e3",
            "ten",
            "%20100",
            "100%0A",
            "٣٠٠",
            "100000000",
            "9" * 40,
        ],
    )
    def test_what_is_no_amount_is_a_bad_request(self, bob: Person, amount: str) -> None:
        response = bob.api.get(f"/referral/explain?amount={amount}")

        assert response.status_code == 400
        assert set(response.json()["errors"]) == {"amount"}


def test_it_needs_a_key(client: Any, db: None) -> None:
    assert client.get("/referral/explain").status_code == 401


@pytest.mark.parametrize("count", [1, 5])
def test_it_costs_as_many_queries_however_many_friends_there_are(
    alice: Person, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    carol = register("carol", code=alice.code)
    refer(carol, count)
    settle(carol.user)
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=5))

    with django_assert_max_num_queries(6):
        assert len(explain(carol, "?amount=1000")["friends"]) == count
