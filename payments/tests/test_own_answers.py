"""Answers to the person, and letters to a customer, tell nothing of others but the user name."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import ApiKey, User
from accounts.tests.factories import Person, register, reviewer
from payments.explanations.reply import reply_to
from payments.tests.stripe_events import refer, settle, turn
from payments.tests.test_answers import GOT, INVITED, share_a_mailbox
from referrals import review
from referrals.models import Referral


def explain(person: Person, query: str = "") -> dict[str, Any]:
    response = person.api.get(f"/referral/explain{query}")
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def test_it_says_what_the_invitation_brings_and_then_shows_every_check_but_those_for_fraud(
    bob: Person,
) -> None:
    before, with_amount = explain(bob), explain(bob, "?amount=1000")
    settle(bob.user)
    after = explain(bob)

    assert before == {"summary": INVITED, "checks": [], "friends": [], "what_if": None}
    what_if = with_amount["what_if"]
    assert (what_if["amount"], what_if["decision"]) == (1000, "awarded")
    assert what_if["summary"].startswith("A purchase of $10.00 now would earn a bonus of $10.00")
    assert {check["status"] for check in what_if["checks"]} == {"passed"}
    assert after["summary"] == GOT
    assert [check["name"] for check in after["checks"]] == [
        *("terms", "minimum", "first", "attributed", "referrer", "other", "cap", "budget")
    ]
    assert after["checks"][1] == {
        "name": "minimum",
        "status": "passed",
        "sentence": "The purchase of $10.00 was not below the minimum of $10.00.",
    }


def test_without_an_invitation_what_needs_a_referrer_is_not_checked(charlie: Person) -> None:
    what_if = explain(charlie, "?amount=999")["what_if"]

    assert what_if["decision"] == "below_minimum"
    assert [check["status"] for check in what_if["checks"][3:]] == ["failed", *["not_checked"] * 4]


def test_a_bonus_that_was_released_is_like_any_other(alice: Person, bob: Person) -> None:
    share_a_mailbox(alice, bob)
    settle(bob.user)
    referral_id = Referral.objects.get().pk
    review.release(referral_id, by=reviewer(), note="A couple.", now=timezone.now())

    assert explain(bob)["summary"] == GOT


@pytest.mark.parametrize("status", ["", "completed", "held", "reversed", "voided"])
def test_of_a_friend_it_tells_the_name_alone(alice: Person, bob: Person, status: str) -> None:
    payment = settle(bob.user, 4321 if status else 567)
    if status:
        turn(Referral.objects.get(), status)

    body = str(explain(alice, "?amount=1000"))

    secrets = ["@", bob.code, "43.21", "4321", "5.67", "567", "card", "mailbox", "one person"]
    assert "bob" in body
    assert [secret for secret in [*secrets, str(payment.session_id)] if secret in body] == []


def test_of_the_referrer_it_tells_the_name_alone(alice: Person, bob: Person) -> None:
    settle(alice.user, 4321)
    refer(alice, 3)
    settle(bob.user)

    body = str(explain(bob, "?amount=1000"))

    assert "alice" in body
    assert [one for one in ("@", alice.code, "43.21", "3 of", "referee_") if one in body] == []


NO_AMOUNTS = [
    *("", "0", "-1", "1.0", "10.5", "1e3", "ten", "%20100", "100%0A", "٣٠٠", "100000000", "9" * 40),
]


def test_what_is_no_amount_is_a_bad_request(bob: Person) -> None:
    for amount in NO_AMOUNTS:
        response = bob.api.get(f"/referral/explain?amount={amount}")

        assert response.status_code == 400, amount
        assert set(response.json()["errors"]) == {"amount"}


def test_it_needs_a_key(client: Any, db: None) -> None:
    assert client.get("/referral/explain").status_code == 401


@pytest.mark.parametrize("count", [1, 5])
def test_it_takes_as_many_queries_however_many_friends_there_are(
    alice: Person, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    carol = register("carol", code=alice.code)
    refer(carol, count)
    settle(carol.user)
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=5))

    with django_assert_max_num_queries(6):
        assert len(explain(carol, "?amount=1000")["friends"]) == count


def reply(person: Person) -> str:
    person.user.refresh_from_db()
    return reply_to(person.user, now=timezone.now())


def test_it_says_what_is_missing_and_then_why_there_was_a_bonus_and_what_friends_did(
    alice: Person, bob: Person
) -> None:
    before = reply(bob)
    assert "- 1 × A friend of yours has not made a qualifying purchase yet." in reply(alice)
    settle(bob.user)
    refer(alice, 2)

    assert "A friend invited you: your first purchase of $10.00 or more brings you" in before
    assert reply(bob).startswith("Hello bob,\n\nYou got $10.00 for the invitation of a friend.\n")
    assert "- 3 × A friend of yours has bought, and both sides have their bonus." in reply(alice)


@pytest.mark.parametrize("status", ["completed", "held", "reversed", "voided", "disputed"])
def test_it_has_no_data_of_others_and_nothing_of_the_checks_for_fraud(
    alice: Person, bob: Person, status: str
) -> None:
    settle(bob.user)
    turn(Referral.objects.get(), status)

    for person, other in ((alice, bob), (bob, alice)):
        words = re.findall(r"[\w.@+-]+", reply(person))
        theirs = (other.user.username, other.user.email, other.user.referral_code)
        assert not set(words) & set(theirs)
        assert "rita" not in words
        assert "card" not in words
        assert "mailbox" not in words


def test_without_an_inviter_it_says_so(charlie: Person) -> None:
    settle(charlie.user)
    User.objects.filter(pk=charlie.user.pk).update(referral_code=None)

    assert "You got no bonus: you registered without an invitation" in reply(charlie)
