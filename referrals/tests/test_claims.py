"""Who registered without a code may claim one: once, within seven days, before any purchase."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import audit
from accounts.models import User
from accounts.tests.factories import Person, member_of, register
from payments.models import Payment
from payments.reports import daily
from payments.tests.claim_guards import CLAIM
from payments.tests.guards import wrong
from payments.tests.stripe_events import deliver, event, pending_payment, refer, settle
from payments.tests.test_answers import own_answer, why, why_person
from payments.tests.test_invariants import found
from referrals import attribution
from referrals.tests.factories import ProgramFactory

# Ahead of the database's clock, which nobody can turn.
NOON = datetime(2027, 5, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(moment: datetime) -> time_machine.travel:
    return time_machine.travel(moment, tick=False)


def claim(person: Person, code: object) -> Any:
    return person.api.post("/referral/claim", {"referral_code": code}, format="json")


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_claimed_code_counts_as_one_given_at_registration_and_why_says_so(
    alice: Person, charlie: Person
) -> None:
    without_code = charlie.api.post("/referral/claim", {}, format="json")
    answer = claim(charlie, f" {alice.code.lower()} ")
    payment = settle(charlie.user)

    assert without_code.status_code == 400
    assert answer.json() == {
        "referred_by_code": alice.code,
        "referral": {"applied": True, "reason": None},
    }
    assert (alice.balance(), charlie.balance()) == ("10.00", "20.00")
    assert why(payment).timeline[0].sentence == f"charlie claimed the code {alice.code}."
    told = why_person(charlie).attribution
    assert told.startswith(f"Claimed the code {alice.code} of alice on ")


def exhausted(alice: Person, charlie: Person) -> str:
    refer(alice, 10)
    return alice.code


def above_a_lower_cap(alice: Person, charlie: Person) -> str:
    refer(alice, 3)
    ProgramFactory.create(max_uses=2)
    return alice.code


def deactivated(alice: Person, charlie: Person) -> str:
    alice.change(is_active=False)
    return alice.code


def of_a_friend(alice: Person, charlie: Person) -> str:
    return register("friend", code=charlie.code).code


def of_a_friends_friend(alice: Person, charlie: Person) -> str:
    return register("another", code=of_a_friend(alice, charlie)).code


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda alice, charlie: "NOSUCH00", "Code not found"),
        (lambda alice, charlie: ["ABC12345"], "Code not found"),
        (lambda alice, charlie: charlie.code, "Cannot use your own referral code"),
        (exhausted, "Referral code has reached maximum uses"),
        (above_a_lower_cap, "Referral code has reached maximum uses"),
        (deactivated, "Code not found"),
        (of_a_friend, "Cannot use the code of somebody who came by your invitation"),
        (of_a_friends_friend, "Cannot use the code of somebody who came by your invitation"),
    ],
)
def test_with_a_code_that_cannot_be_used_another_can_be_tried(
    alice: Person, charlie: Person, make: Callable[[Person, Person], object], reason: str
) -> None:
    other = register("other")

    refused = claim(charlie, make(alice, charlie))

    assert refused.status_code == 200
    assert refused.json() == {
        "referred_by_code": None,
        "referral": {"applied": False, "reason": reason},
    }
    assert claim(charlie, other.code).json()["referred_by_code"] == other.code


def test_nobody_claims_twice_nor_after_registering_with_a_code_or_buying(
    alice: Person, bob: Person, charlie: Person
) -> None:
    buyers = [register("small"), register("large")]
    for buyer, cents in zip(buyers, (200, 1000), strict=True):
        settle(buyer.user, cents)
    claim(charlie, alice.code)
    other = register("other")

    for code in (alice.code, other.code, "NOSUCH00"):
        for person in (bob, charlie):
            assert code_of(claim(person, code)) == (409, "already_invited")
        for buyer in buyers:
            assert code_of(claim(buyer, code)) == (409, "already_bought")


def test_a_claim_within_seven_days_brings_the_terms_of_its_time_for_ninety(
    db: None,
) -> None:
    with at(NOON):
        alice = register("alice")
        friends = [register(f"friend{n}") for n in range(3)]
    ProgramFactory.create(starts_at=NOON + 3 * DAY, referrer_bonus=Decimal(15))
    ProgramFactory.create(starts_at=NOON + 8 * DAY, referrer_bonus=Decimal(1))

    with at(NOON + 7 * DAY):
        veteran = friends.pop()
        too_late = {code_of(claim(veteran, code)) for code in (alice.code, "NOSUCH00")}
    with at(NOON + 7 * DAY - timedelta(seconds=1)) as last_moment:
        for friend in friends:
            claim(friend, alice.code)
        last_moment.shift(90 * DAY - timedelta(seconds=1))
        settle(friends[0].user)
        in_time = alice.balance()
        last_moment.shift(timedelta(seconds=1))
        settle(friends[1].user)

    assert too_late == {(409, "claim_too_late")}
    assert (in_time, alice.balance()) == ("15.00", "16.00")


def test_a_purchase_that_was_paid_before_the_claim_earns_nothing(
    alice: Person, charlie: Person
) -> None:
    """Stripe told us of it afterwards."""
    with at(NOON):
        charlie = register("charles")
        payment = pending_payment(charlie.user)
    with at(NOON + DAY):
        claim(charlie, alice.code)
        deliver(event(payment) | {"created": int((NOON + DAY).timestamp()) - 1})

    assert (alice.balance(), charlie.balance()) == ("0.00", "10.00")
    payment.refresh_from_db()
    reason = f"the code {alice.code} was claimed after the purchase was paid."
    assert why(payment).summary == f"No bonus: {reason}"
    assert own_answer(charlie).summary.startswith("You got no bonus")


def test_the_day_of_the_sign_up_is_counted_again(db: None) -> None:
    with at(NOON):
        alice, charlie = register("alice"), register("charlie")
    daily.close_days(now=NOON + 2 * DAY)
    with at(NOON + 3 * DAY):
        claim(charlie, alice.code)

    daily.close_days(now=NOON + 4 * DAY)

    day = daily.days_of(daily.Span(NOON.date(), NOON.date()))[0]
    assert (day.signups, day.invited_signups) == (2, 1)


@pytest.mark.negative_control
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET claimed_at = now() WHERE username = 'alice'",
        "UPDATE users SET created_at = users.created_at - interval '8 days', claimed_at = paid_at"
        " FROM payments WHERE user_id = users.id",
        "UPDATE users SET claimed_at = paid_at + interval '1 s'"
        " FROM payments WHERE user_id = users.id",
    ],
)
def test_the_check_of_the_ledger_finds_a_wrong_claim(
    alice: Person, bob: Person, change: str
) -> None:
    settle(bob.user)
    before = found()

    wrong((change,))

    assert (before, found()) == (set(), {CLAIM})


class TestOperators:
    """Support sets a missing inviter."""

    def ask(self, person: Person, code: str, by: Client) -> str:
        path = f"/admin/accounts/user/{person.user.pk}/set_inviter/"
        form = {"code": code, "reason": "They wrote to us."}
        answer = by.post(path, form, follow=True)
        return " ".join(map(str, answer.context["messages"]))

    def test_with_a_reason_on_record(self, support: Client, alice: Person, charlie: Person) -> None:
        said = self.ask(charlie, alice.code, support)

        charlie.user.refresh_from_db()
        assert (said, charlie.user.referred_by_code) == (
            "charlie is invited by alice.",
            alice.code,
        )
        entry = audit.of(charlie.user).get()
        assert (entry.action, entry.reason) == ("set inviter", "They wrote to us.")
        assert entry.after == {"referred_by_code": alice.code}

    def test_under_the_same_conditions_and_not_for_a_bonus_of_their_own(
        self, support: Client, alice: Person, bob: Person, charlie: Person
    ) -> None:
        buyer, veteran, nina = register("buyer"), register("veteran"), register("nina")
        settle(buyer.user, 200)
        week_ago = veteran.user.created_at - 7 * DAY
        veteran.change(created_at=week_ago)
        nina.change(is_staff=True)
        sam = member_of("Support")
        User.objects.filter(pk=sam.pk).update(referral_code="SAMSCODE")

        for person, code, why_not in (
            (bob, alice.code, "the account has an inviter already, which never changes."),
            (buyer, alice.code, "a code can be claimed only before the first purchase."),
            (veteran, alice.code, "a code can be claimed only within 7 days of registration."),
            (nina, alice.code, "nina is staff: ask a superuser"),
            (charlie, "SAMSCODE", "another operator must do it"),
            (charlie, "NOSUCH00", "Code not found"),
        ):
            said = self.ask(person, code, support)

            assert said.startswith("Nothing was done")
            assert why_not in said
        charlie.user.refresh_from_db()
        assert charlie.user.referred_by_code is None
        assert not audit.of(*(each.user for each in (bob, buyer, veteran, nina, charlie))).exists()


def test_a_purchase_that_settles_after_the_look_is_seen_by_the_database(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = attribution.check_code

    def check_while_it_settles(*args: Any, **kwargs: Any) -> attribution.CheckedCode:
        settle(charlie.user)
        return check(*args, **kwargs)

    monkeypatch.setattr(attribution, "check_code", check_while_it_settles)

    assert code_of(claim(charlie, alice.code)) == (409, "already_bought")
    assert Payment.objects.get().bonus_decision == "not_referred"
