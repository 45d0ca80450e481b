"""Two friends of one code with one mailbox: the later one is held (CONTRACT 2.10)."""

from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts import people
from accounts.models import User
from accounts.people import refold_mailboxes
from accounts.tests.factories import Person, UserFactory, register
from payments import tasks
from payments.explanations.answers import explain_person
from payments.explanations.messages import Audience
from payments.tests.at_once import at_once, execute
from payments.tests.stripe_events import deliver, event, pending_payment, settle, turn
from referrals.models import Referral

SAME = "an earlier friend of the code has the same mailbox"


@pytest.fixture
def dave(alice: Person, bob: Person) -> Person:
    """Another friend of Alice's, with a mailbox of Bob's."""
    return alias("dave", "bob+dave@example.com", code=alice.code)


def alias(name: str, email: str, *, code: str) -> Person:
    person = register(name, code=code)
    person.user.email = email
    person.user.save()
    return person


@pytest.mark.parametrize("first_buyer", ["bob", "dave"])
def test_the_second_friend_with_a_mailbox_is_held(
    alice: Person, bob: Person, dave: Person, first_buyer: str
) -> None:
    first, second = (bob, dave) if first_buyer == "bob" else (dave, bob)
    settle(first.user)

    payment = settle(second.user)

    held = Referral.objects.get(referred_user=second.user)
    assert (payment.bonus_decision, held.status, held.hold_reason) == ("held", "held", SAME)
    assert (alice.balance(), first.balance(), second.balance()) == ("10.00", "20.00", "10.00")


@pytest.mark.parametrize("status", ["held", "voided", "reversed"])
def test_whatever_became_of_the_earlier_friend(bob: Person, dave: Person, status: str) -> None:
    settle(bob.user)
    turn(Referral.objects.get(), status)

    assert settle(dave.user).bonus_decision == "held"


def test_a_friend_of_another_code_or_with_a_new_address_is_none(
    bob: Person, charlie: Person, dave: Person
) -> None:
    settle(bob.user)
    eve = alias("eve", "bob+eve@example.com", code=charlie.code)
    dave.user.email = "dave@example.com"
    dave.user.save(update_fields=["email"])

    assert [settle(who.user).bonus_decision for who in (eve, dave)] == ["awarded", "awarded"]


@pytest.mark.parametrize("names", [("bob",), ("dave",), ("bob", "dave", "eve")], ids=str)
def test_people_without_a_stored_mailbox_are_judged_by_their_addresses(
    alice: Person, bob: Person, dave: Person, names: tuple[str, ...]
) -> None:
    eve = register("eve", code=alice.code)
    User.objects.filter(username__in=names).update(mailbox=None)
    settle(bob.user)
    expected = explain_person(dave.user, Audience.OPERATOR, cents=1000, now=timezone.now())

    assert [settle(who.user).bonus_decision for who in (eve, dave)] == ["awarded", "held"]
    assert "An earlier friend of the code has" in str(expected.what_if)


def test_the_job_folds_what_the_version_before_wrote(alice: Person, bob: Person) -> None:
    stored = set(User.objects.values_list("mailbox", "username_folded"))
    User.objects.update(mailbox=None, username_folded=None)

    tasks.fold_people(0)

    assert set(User.objects.values_list("mailbox", "username_folded")) == stored
    assert people.fold_missing() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_held(alice: Person, bob: Person, dave: Person) -> None:
    """Both wait for the referrer, and each sees what the other did before it."""
    payments = [pending_payment(who.user) for who in (bob, dave)]

    at_once(*(lambda payment=payment: deliver(event(payment)) for payment in payments))

    assert sorted(Referral.objects.values_list("status", flat=True)) == ["completed", "held"]


def test_why_says_it_to_operators_alone(bob: Person, dave: Person) -> None:
    settle(bob.user)
    before = {
        who: explain_person(dave.user, who, cents=None, now=timezone.now()) for who in Audience
    }
    settle(dave.user)
    dave.user.refresh_from_db()

    after = {
        who: explain_person(dave.user, who, cents=None, now=timezone.now()) for who in Audience
    }

    sentence = "An earlier friend of the code {} the buyer's mailbox."
    told = [line.sentence for line in before[Audience.OPERATOR].what_if.checks]
    assert sentence.format("has") in told
    told = [line.sentence for line in after[Audience.OPERATOR].purchases[0].checks]
    assert sentence.format("had") in told
    for answer in (before[Audience.PERSON], after[Audience.PERSON]):
        said = f"{answer.summary} {answer.what_if} {[one.summary for one in answer.purchases]}"
        assert "mailbox" not in said
        assert "bob" not in said.replace("bobs", "")


def test_the_command_folds_what_other_programs_wrote(
    capsys: Any, alice: Person, django_assert_max_num_queries: Any
) -> None:
    UserFactory.create_batch(3)
    kept = set(User.objects.values_list("mailbox", flat=True))
    execute("UPDATE users SET mailbox = 'of older rules' WHERE username <> 'alice'")

    with django_assert_max_num_queries(3):
        call_command("refold_mailboxes")

    assert set(User.objects.values_list("mailbox", flat=True)) == kept
    assert "3 mailboxes changed" in capsys.readouterr().out
    assert refold_mailboxes(User.objects.all()) == 0
