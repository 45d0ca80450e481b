"""What became of those who registered with a code, for operators and for the referrer."""

import pytest

from accounts.models import User
from accounts.tests.factories import Person
from payments.models import Payment
from payments.tests.stripe_events import refer, settle, turn
from payments.tests.test_own_explanations import explain
from payments.tests.test_user_explanations import why
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory


def friend(alice: Person) -> tuple[str, str]:
    """Return the state of Alice's one friend, with its sentence."""
    [friend] = why(alice).invitations.friends
    return friend.state, friend.sentence


def friend_told_to(alice: Person) -> dict[str, str]:
    """Return what Alice reads of her one friend."""
    told: dict[str, str]
    [told] = explain(alice)["friends"]
    return told


class TestForOperators:
    """The operators' page."""

    def test_it_counts_what_is_taken_and_what_is_left(self, alice: Person) -> None:
        refer(alice, 3)

        invitations = why(alice).invitations

        assert (invitations.uses, len(invitations.friends)) == (3, 3)
        assert invitations.summary == "3 of 10 uses of the code are taken, 7 left."

    def test_a_lowered_cap_leaves_none(self, alice: Person) -> None:
        refer(alice, 3)
        ProgramFactory.create(max_uses=2)

        assert why(alice).invitations.summary == "3 of 2 uses of the code are taken, 0 left."

    def test_who_has_not_bought_is_pending(self, alice: Person, bob: Person) -> None:
        assert friend(alice) == ("pending", "bob has not made a qualifying purchase yet.")

    def test_who_was_deactivated_before_buying_is_left_out(
        self, alice: Person, bob: Person
    ) -> None:
        User.objects.filter(pk=bob.user.pk).update(is_active=False)

        assert why(alice).invitations.friends == []

    @pytest.mark.parametrize(
        ("status", "sentence"),
        [
            ("completed", "bob bought, and both have their bonus."),
            ("held", "bob bought, and the bonus is held: one card on both sides."),
            ("reversed", "bob bought, but the purchase no longer qualifies."),
            ("voided", "bob bought, and the bonus was not granted: It is one person."),
        ],
    )
    def test_a_referral_is_told_as_it_stands(
        self, alice: Person, bob: Person, status: str, sentence: str
    ) -> None:
        settle(bob.user)

        turn(Referral.objects.get(), status)

        assert friend(alice) == (status, sentence)

    def test_after_the_cap_a_friend_has_bought_all_the_same(
        self, alice: Person, bob: Person
    ) -> None:
        refer(alice, 10)
        settle(bob.user)

        told = next(one for one in why(alice).invitations.friends if one.username == "bob")

        assert (told.state, told.decision) == ("not_counted", "cap_reached")
        assert told.sentence == "bob bought, and no bonus was due: all uses of the code were taken."

    @pytest.mark.parametrize(
        ("decision", "reason"),
        [
            ("referrer_gone", "the referrer's account was not active"),
            ("budget_spent", "the program's budget was spent"),
            ("self_referral", "the code was the buyer's own"),
            ("", "why was not kept"),
        ],
    )
    def test_why_a_purchase_did_not_count_is_told(
        self, alice: Person, bob: Person, decision: str, reason: str
    ) -> None:
        User.objects.filter(pk=alice.user.pk).update(is_active=False)
        payment = settle(bob.user)
        Payment.objects.filter(pk=payment.pk).update(bonus_decision=decision)

        assert friend(alice) == ("not_counted", f"bob bought, and no bonus was due: {reason}.")

    def test_somebody_without_a_code_has_no_friends(self, alice: Person, bob: Person) -> None:
        User.objects.filter(pk=alice.user.pk).update(referral_code=None)

        assert why(alice).invitations.friends == []

    def test_at_most_a_hundred_are_listed_the_newest_first(self, alice: Person) -> None:
        User.objects.bulk_create(
            User(username=f"f{n}", email=f"f{n}@example.com", referred_by_code=alice.code)
            for n in range(102)
        )

        friends = why(alice).invitations.friends

        assert [friends[0].username, friends[-1].username, len(friends)] == ["f101", "f2", 100]


class TestForTheReferrer:
    """`GET /referral/explain`"""

    def test_who_has_not_bought_is_told_to_have_not(self, alice: Person, bob: Person) -> None:
        assert friend_told_to(alice) == {
            "username": "bob",
            "state": "pending",
            "sentence": "Your friend bob has not made a purchase that counts yet.",
        }

    @pytest.mark.parametrize(
        ("status", "sentence"),
        [
            ("completed", "Your friend bob has bought, and you both have your bonus."),
            ("held", "Your friend bob has bought, and the bonus is under review."),
            ("reversed", "Your friend bob has bought, but that purchase no longer counts."),
            ("voided", "Your friend bob has bought, but the bonus was not granted."),
        ],
    )
    def test_each_state_has_its_sentence(
        self, alice: Person, bob: Person, status: str, sentence: str
    ) -> None:
        settle(bob.user)
        turn(Referral.objects.get(), status)

        assert friend_told_to(alice) == {"username": "bob", "state": status, "sentence": sentence}

    def test_who_bought_after_the_cap_is_not_told_to_have_not_bought(
        self, alice: Person, bob: Person
    ) -> None:
        refer(alice, 10)
        settle(bob.user)

        told = next(one for one in explain(alice)["friends"] if one["username"] == "bob")

        assert told["state"] == "not_counted"
        assert told["sentence"] == (
            "Your friend bob has bought, but without a bonus: all uses of your code were taken."
        )

    @pytest.mark.parametrize("status", ["", "completed", "held", "reversed", "voided"])
    def test_nothing_of_a_friend_is_told_but_the_name(
        self, alice: Person, bob: Person, status: str
    ) -> None:
        payment = settle(bob.user, 4321 if status else 567)
        if status:
            turn(Referral.objects.get(), status)

        told = str(explain(alice, "?amount=1000"))

        secrets = ["@", bob.code, "43.21", "4321", "5.67", "567", "card", "mailbox", "one person"]
        assert "bob" in told
        assert [secret for secret in [*secrets, str(payment.session_id)] if secret in told] == []

    def test_nothing_of_the_referrer_is_told_but_the_name(self, alice: Person, bob: Person) -> None:
        settle(alice.user, 4321)
        refer(alice, 3)
        settle(bob.user)

        told = str(explain(bob, "?amount=1000"))

        assert "alice" in told
        assert [one for one in ("@", alice.code, "43.21", "3 of", "referee_") if one in told] == []

    def test_a_stranger_is_nobodys_friend(self, alice: Person, charlie: Person) -> None:
        settle(charlie.user)

        assert explain(alice)["friends"] == []
