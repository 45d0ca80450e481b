"""The letter to a customer says why in plain words, and nothing of anybody else."""

import re

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person
from payments.explanations.reply import reply_to
from payments.tests.stripe_events import refer, settle, turn
from referrals.models import Referral


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
