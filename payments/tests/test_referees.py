"""What became of those who registered with a code, for operators and for the referrer."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person
from payments.explanations.messages import Audience
from payments.explanations.referees import Referee, referees_of
from payments.models import Payment
from payments.tests.stripe_events import settle, turn
from payments.tests.test_admin_rendering import rendered, words
from payments.tests.test_answers import GOT, deactivate, end_the_offer
from payments.tests.test_own_answers import explain
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory


def referees(alice: Person) -> list[Referee]:
    """Return what operators read of those who registered with Alice's code."""
    return referees_of(alice.user, Audience.OPERATOR, now=timezone.now())


def bob_to_both(alice: Person) -> tuple[str, str, str]:
    """Return Bob's state, and what operators and what Alice read of it."""
    of_bob = next(one for one in referees(alice) if one.username == "bob")
    body = next(one for one in explain(alice)["friends"] if one["username"] == "bob")
    assert body == {"username": "bob", "state": of_bob.state, "sentence": body["sentence"]}
    return of_bob.state, of_bob.sentence, body["sentence"]


def test_who_has_not_bought_enough_is_pending_and_the_referrer_reads_what_is_needed(
    alice: Person, bob: Person
) -> None:
    pending = "bob has not made a qualifying purchase yet."
    assert bob_to_both(alice) == ("pending", pending, f"Your friend {pending}")
    settle(bob.user, 400)

    _, to_operators, to_alice = bob_to_both(alice)

    assert to_operators == pending
    assert to_alice == (
        "Your friend bob has bought, but not yet for $10.00 or more in one purchase."
    )


@pytest.mark.parametrize(
    ("is_over", "in_force", "minimum"),
    [(False, "25.00", "$10.00"), (True, "25.00", "$25.00"), (False, "5.00", "$5.00")],
)
def test_what_is_needed_is_the_less_of_what_was_promised_and_what_is_in_force(
    alice: Person, bob: Person, is_over: bool, in_force: str, minimum: str
) -> None:
    ProgramFactory.create(minimum_purchase=Decimal(in_force))
    settle(bob.user, 400)
    if is_over:
        end_the_offer(bob)

    assert f"for {minimum} or more" in bob_to_both(alice)[2]


REVIEWED, CARD = "the bonus is under review", ": one card on both sides"
LOST = "Your bonus was taken back: its purchase no longer counts."
REFUSED, PERSON = "bonus was not granted", ": It is one person"


@pytest.mark.parametrize(
    ("status", "summary", "own_summary", "sentence", "note"),
    [
        ("completed", "Bonus paid", GOT, "and both sides have their bonus", ""),
        ("held", "Bonus held", "Your bonus is under review.", f"and {REVIEWED}", CARD),
        ("reversed", "Bonus taken back", LOST, "but the purchase no longer qualifies", ""),
        ("voided", "Bonus not granted", f"Your {REFUSED}.", f"but the {REFUSED}", PERSON),
    ],
)
def test_what_became_of_a_bonus_is_said_to_all_and_a_note_to_operators_alone(
    alice: Person,
    bob: Person,
    status: str,
    summary: str,
    own_summary: str,
    sentence: str,
    note: str,
) -> None:
    payment = settle(bob.user)
    turn(Referral.objects.get(), status)
    sentence = f"bob has bought, {sentence}"

    assert f"{status} {summary}" in words(rendered(payment))
    assert explain(bob)["summary"] == own_summary
    assert referees(alice)[0].bonus == (10 if status == "completed" else 0)
    assert bob_to_both(alice) == (status, f"{sentence}{note}.", f"Your friend {sentence}.")


def test_a_purchase_without_a_bonus_has_its_reason(alice: Person, bob: Person) -> None:
    deactivate(alice, bob)
    payment = settle(bob.user)
    User.objects.filter(pk=alice.user.pk).update(is_active=True)

    for decision, reason in {
        "referrer_gone": "the referrer's account was not active",
        "budget_spent": "the program's budget was spent",
        "self_referral": "the code was the buyer's own",
        "cap_reached": "all uses of the code were taken",
        "": "the reason was not stored",
    }.items():
        Payment.objects.filter(pk=payment.pk).update(bonus_decision=decision)
        sentence = f"bob has bought, but without a bonus: {reason}."
        assert bob_to_both(alice) == ("not_counted", sentence, f"Your friend {sentence}")


def test_strangers_and_who_was_deactivated_before_buying_are_left_out(
    alice: Person, bob: Person, charlie: Person
) -> None:
    settle(charlie.user)
    assert [one.username for one in referees(alice)] == ["bob"]

    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    assert referees(alice) == []
    User.objects.filter(pk=bob.user.pk).update(is_active=True)
    User.objects.filter(pk=alice.user.pk).update(referral_code=None)
    alice.user.refresh_from_db()

    assert referees(alice) == []


def test_at_most_a_hundred_are_listed_the_newest_first(alice: Person) -> None:
    User.objects.bulk_create(
        User(username=f"f{n}", email=f"f{n}@example.com", referred_by_code=alice.code)
        for n in range(102)
    )

    found = referees(alice)

    assert [found[0].username, found[-1].username, len(found)] == ["f101", "f2", 100]
    rest = referees_of(alice.user, Audience.PERSON, now=timezone.now(), before=found[-1].user_id)
    assert [one.username for one in rest] == ["f1", "f0"]
