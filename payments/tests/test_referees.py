"""What became of those who registered with a code, for operators and for the referrer."""

import pytest

from accounts.models import User
from accounts.tests.factories import Person
from payments.explanations.messages import OPERATOR
from payments.explanations.referees import Referee, referees_of
from payments.models import Payment
from payments.tests.stripe_events import refer, settle, turn
from payments.tests.test_answers import deactivate
from payments.tests.test_own_answers import explain
from referrals.models import Referral


def referees(alice: Person) -> list[Referee]:
    """Return what operators read of those who registered with Alice's code."""
    return referees_of(alice.user, OPERATOR)


def bob_to_both(alice: Person) -> tuple[str, str, str]:
    """Return Bob's state, and what operators and what Alice read of it."""
    of_bob = next(one for one in referees(alice) if one.username == "bob")
    body = next(one for one in explain(alice)["friends"] if one["username"] == "bob")
    assert body == {"username": "bob", "state": of_bob.state, "sentence": body["sentence"]}
    return of_bob.state, of_bob.sentence, body["sentence"]


def test_who_has_not_bought_is_pending(alice: Person, bob: Person) -> None:
    assert bob_to_both(alice) == (
        "pending",
        "bob has not made a qualifying purchase yet.",
        "Your friend bob has not made a purchase that counts yet.",
    )


@pytest.mark.parametrize(
    ("status", "to_operators", "to_alice"),
    [
        (
            "completed",
            "bob bought, and both have their bonus.",
            "Your friend bob has bought, and you both have your bonus.",
        ),
        (
            "held",
            "bob bought, and the bonus is held: one card on both sides.",
            "Your friend bob has bought, and the bonus is under review.",
        ),
        (
            "reversed",
            "bob bought, but the purchase no longer qualifies.",
            "Your friend bob has bought, but that purchase no longer counts.",
        ),
        (
            "voided",
            "bob bought, and the bonus was not granted: It is one person.",
            "Your friend bob has bought, but the bonus was not granted.",
        ),
    ],
)
def test_each_state_of_a_referral_has_its_sentence(
    alice: Person, bob: Person, status: str, to_operators: str, to_alice: str
) -> None:
    settle(bob.user)

    turn(Referral.objects.get(), status)

    assert bob_to_both(alice) == (status, to_operators, to_alice)


def test_who_bought_after_the_cap_has_bought_all_the_same(alice: Person, bob: Person) -> None:
    refer(alice, 10)
    settle(bob.user)

    assert bob_to_both(alice) == (
        "not_counted",
        "bob bought, and no bonus was due: all uses of the code were taken.",
        "Your friend bob has bought, but without a bonus: all uses of your code were taken.",
    )


@pytest.mark.parametrize(
    ("decision", "to_operators", "to_alice"),
    [
        (
            "referrer_gone",
            "the referrer's account was not active",
            "your account was not active then",
        ),
        (
            "budget_spent",
            "the program's budget was spent",
            "the program had no more bonuses to give",
        ),
        ("self_referral", "the code was the buyer's own", "it did not count"),
        ("", "the reason was not stored", "it did not count"),
    ],
)
def test_a_purchase_without_a_bonus_has_its_reason(
    alice: Person, bob: Person, decision: str, to_operators: str, to_alice: str
) -> None:
    deactivate(alice, bob)
    payment = settle(bob.user)
    Payment.objects.filter(pk=payment.pk).update(bonus_decision=decision)
    User.objects.filter(pk=alice.user.pk).update(is_active=True)

    assert bob_to_both(alice) == (
        "not_counted",
        f"bob bought, and no bonus was due: {to_operators}.",
        f"Your friend bob has bought, but without a bonus: {to_alice}.",
    )


def test_who_was_deactivated_before_buying_is_left_out(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(is_active=False)

    assert referees(alice) == []


def test_a_stranger_is_nobodys_referee(alice: Person, charlie: Person) -> None:
    settle(charlie.user)

    assert (referees(alice), explain(alice)["friends"]) == ([], [])


def test_without_a_code_there_are_none(alice: Person, bob: Person) -> None:
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
