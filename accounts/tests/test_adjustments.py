"""Operators adjust a balance once, alone up to the limit, with another person above it."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts import adjustment_rules as rules
from accounts import adjustments, audit, people
from accounts.models import Adjustment, AuditEntry, LedgerEntry, User
from accounts.tests.factories import Person, give, member_of, register

NOW = timezone.now()


def sam() -> User:
    return member_of("Support")


def fiona() -> User:
    return member_of("Finance")


def frank() -> User:
    return member_of("Finance", "frank")


def ask(person: Person, amount: str, **changes: Any) -> Adjustment:
    """Let Sam ask for an adjustment, unless `changes` say otherwise."""
    wish: dict[str, Any] = {
        "user": person.user,
        "amount": Decimal(amount),
        "category": Adjustment.Category.GOODWILL,
        "reason": "She waited for a week",
        "by": changes.pop("by") if "by" in changes else sam(),
        "token": uuid4(),
        "now": NOW,
    }
    return adjustments.request_adjustment(**wish | changes)


def approve(adjustment: Adjustment, by: User | None = None, note: str = "Right") -> Adjustment:
    return adjustments.approve(adjustment.pk, by=by or fiona(), note=note, now=NOW)


def reject(adjustment: Adjustment, by: User | None = None, note: str = "Too much") -> Adjustment:
    return adjustments.reject(adjustment.pk, by=by or fiona(), note=note, now=NOW)


def reverse(adjustment: Adjustment, by: User | None = None, **changes: Any) -> Adjustment:
    wish: dict[str, Any] = {
        "reason": "The wrong Alice",
        "by": by or sam(),
        "token": uuid4(),
        "now": NOW,
    }
    return adjustments.reverse(adjustment.pk, **wish | changes)


class TestAsking:
    """Within the limit it is posted at once, and once."""

    def test_it_is_posted_with_an_entry_that_names_the_operator(self, alice: Person) -> None:
        adjustment = ask(alice, "25.00")

        entry = LedgerEntry.objects.get()
        assert (adjustment.status, adjustment.ledger_entry) == ("posted", entry)
        assert (entry.kind, entry.posted_by, alice.balance()) == ("adjustment", sam(), "25.00")

    def test_the_person_reads_what_it_was_and_not_what_colleagues_said(self, alice: Person) -> None:
        ask(alice, "5.00", category=Adjustment.Category.FRAUD, reason="She lied to us")
        ask(alice, "5.00")

        [goodwill, fraud] = alice.api.get("/user/transactions").json()["results"]
        assert (goodwill["description"], fraud["description"]) == (
            "Adjustment: goodwill",
            "Adjustment",
        )

    def test_asked_again_with_its_token_it_is_the_same(self, alice: Person) -> None:
        token = uuid4()

        first, second = ask(alice, "10.00", token=token), ask(alice, "10.00", token=token)

        assert (first, alice.balance()) == (second, "10.00")

    def test_repeated_it_is_the_same_even_where_it_would_be_refused_now(
        self, alice: Person
    ) -> None:
        give(alice, "10.00")
        token = uuid4()

        first, second = ask(alice, "-10.00", token=token), ask(alice, "-10.00", token=token)

        assert (first, alice.balance()) == (second, "0.00")

    @pytest.mark.parametrize("changed", [{"amount": "9.00"}, {"reason": "Another"}])
    def test_a_token_asks_for_one_thing(self, alice: Person, changed: dict[str, Any]) -> None:
        token = uuid4()
        ask(alice, "10.00", token=token)

        with pytest.raises(adjustments.TokenTakenError):
            ask(alice, **dict[str, Any](amount="10.00", token=token) | changed)

        assert alice.balance() == "10.00"

    @pytest.mark.parametrize("amount", ["100.00", "-100.00"])
    def test_the_limit_itself_needs_no_second_person(self, alice: Person, amount: str) -> None:
        give(alice, "100.00")

        assert ask(alice, amount).status == "posted"

    @pytest.mark.parametrize("amount", ["100.01", "-100.01"])
    def test_a_cent_more_waits(self, alice: Person, amount: str) -> None:
        approve(ask(alice, "500.00"))

        assert ask(alice, amount).status == "waiting"
        assert alice.balance() == "500.00"

    def test_the_limit_is_a_setting(self, alice: Person, settings: Any) -> None:
        settings.ADJUSTMENT_APPROVAL_LIMIT = Decimal(0)

        assert ask(alice, "0.01").status == "waiting"

    def test_what_is_split_waits_once_it_adds_up_to_more(self, alice: Person) -> None:
        parts = [ask(alice, amount).status for amount in ("60.00", "-40.00", "0.01")]

        assert parts == ["posted", "posted", "waiting"]
        assert alice.balance() == "20.00"

    def test_the_day_after_the_limit_is_whole_again(self, alice: Person) -> None:
        ask(alice, "100.00", now=NOW - timedelta(hours=24))

        assert ask(alice, "100.00").status == "posted"

    def test_another_account_and_another_operator_have_limits_of_their_own(
        self, alice: Person, charlie: Person
    ) -> None:
        ask(alice, "100.00")

        others = ask(charlie, "100.00"), ask(alice, "100.00", by=fiona())

        assert [one.status for one in others] == ["posted", "posted"]

    def test_what_another_person_approved_does_not_count(self, alice: Person) -> None:
        approve(ask(alice, "100.01"))

        assert ask(alice, "100.00").status == "posted"


class TestRefusing:
    """Nonsense is refused before anything is written."""

    @pytest.mark.parametrize(
        "amount", ["0", "-0.00", "NaN", "sNaN", "Infinity", "0.001", "100000.01", "-1e30"]
    )
    def test_an_amount_that_nobody_means(self, alice: Person, amount: str) -> None:
        with pytest.raises(rules.AdjustmentRefusedError):
            ask(alice, amount)

        assert not Adjustment.objects.exists()

    def test_a_blank_reason(self, alice: Person) -> None:
        with pytest.raises(audit.ReasonMissingError):
            ask(alice, "10.00", reason=" \n")

    @pytest.mark.parametrize("owed", ["-10.01", "-500.00"])
    def test_a_debt(self, alice: Person, owed: str) -> None:
        give(alice, "10.00")

        with pytest.raises(rules.BelowZeroError):
            ask(alice, owed)

        assert alice.balance() == "10.00"

    def test_ones_own_balance(self, alice: Person) -> None:
        alice.user.is_superuser = True

        with pytest.raises(rules.NotAllowedError, match="own"):
            ask(alice, "10.00", by=alice.user)

    def test_whoever_has_not_the_permission(self, alice: Person, charlie: Person) -> None:
        with pytest.raises(rules.NotAllowedError):
            ask(alice, "10.00", by=charlie.user)

    def test_credits_for_somebody_deactivated(self, alice: Person) -> None:
        give(alice, "10.00")
        people.deactivate(alice.user, by=None, reason="Fraud", now=NOW)

        with pytest.raises(rules.DeactivatedError):
            ask(alice, "10.00")

        assert ask(alice, "-10.00").status == "posted"

    def test_a_preview_says_what_would_be(self, alice: Person) -> None:
        give(alice, "10.00")
        ask(alice, "70.00")

        seen = adjustments.preview(user=alice.user, amount=Decimal("30.01"), by=sam(), now=NOW)

        assert (seen.balance_before, seen.balance_after) == (Decimal(80), Decimal("110.01"))
        assert (seen.left_of_limit, seen.needs_approval) == (Decimal(30), True)

    def test_a_preview_refuses_what_asking_would(self, alice: Person) -> None:
        with pytest.raises(rules.BelowZeroError):
            adjustments.preview(user=alice.user, amount=Decimal(-1), by=sam(), now=NOW)


class TestDeciding:
    """Above the limit it takes another person, who is asked once."""

    def test_an_approved_one_is_posted_by_who_approved(self, alice: Person) -> None:
        approved = approve(ask(alice, "250.00"))

        assert (approved.status, approved.decided_by) == ("posted", fiona())
        assert (alice.balance(), LedgerEntry.objects.get().posted_by) == ("250.00", fiona())

    def test_a_rejected_one_moves_nothing(self, alice: Person) -> None:
        rejected = reject(ask(alice, "250.00"))

        assert (rejected.status, rejected.decision_note) == ("rejected", "Too much")
        assert (alice.balance(), LedgerEntry.objects.count()) == ("0.00", 0)

    @pytest.mark.parametrize("second", [approve, reject])
    @pytest.mark.parametrize("first", [approve, reject])
    def test_it_is_decided_once(self, alice: Person, first: Any, second: Any) -> None:
        decided = first(ask(alice, "250.00"))
        balance = alice.balance()

        with pytest.raises(rules.NotWaitingError):
            second(decided, by=frank())

        assert alice.balance() == balance

    @pytest.mark.parametrize("decide", [approve, reject])
    def test_it_is_not_decided_by_who_asked(self, alice: Person, decide: Any) -> None:
        waiting = ask(alice, "250.00", by=fiona())

        with pytest.raises(rules.NotAllowedError, match="another person"):
            decide(waiting, by=fiona())

    def test_it_is_not_decided_by_who_gets_it(self, alice: Person) -> None:
        waiting = ask(Person(fiona(), ""), "250.00")

        with pytest.raises(rules.NotAllowedError, match="another person"):
            approve(waiting, by=fiona())

    def test_it_is_not_decided_by_support(self, alice: Person) -> None:
        waiting = ask(alice, "250.00")

        with pytest.raises(rules.NotAllowedError, match="may not decide"):
            approve(waiting, by=member_of("Support", "susan"))

    @pytest.mark.parametrize("decide", [approve, reject])
    def test_a_decision_needs_a_reason(self, alice: Person, decide: Any) -> None:
        waiting = ask(alice, "250.00")

        with pytest.raises(audit.ReasonMissingError):
            decide(waiting, note=" ")

    def test_the_balance_is_looked_at_again_when_it_is_approved(self, alice: Person) -> None:
        approve(ask(alice, "200.00"))
        waiting = ask(alice, "-150.00")
        ask(alice, "-60.00", by=frank())

        with pytest.raises(rules.BelowZeroError):
            approve(waiting)

        assert alice.balance() == "140.00"


class TestReversing:
    """A mistake is taken back by its opposite, once, by the same rule of two."""

    def test_it_posts_the_opposite(self, alice: Person) -> None:
        adjustment = ask(alice, "50.00")

        reversal = reverse(adjustment)

        assert (reversal.status, alice.balance()) == ("posted", "0.00")
        assert reversal.amount == -50
        assert reversal.ledger_entry
        assert reversal.ledger_entry.reverses == adjustment.ledger_entry

    def test_reversed_again_with_the_token_it_is_the_same(self, alice: Person) -> None:
        adjustment, token = ask(alice, "50.00"), uuid4()

        assert reverse(adjustment, token=token) == reverse(adjustment, token=token)
        assert alice.balance() == "0.00"

    def test_it_is_reversed_once(self, alice: Person) -> None:
        adjustment = ask(alice, "20.00")
        reverse(adjustment)

        with pytest.raises(rules.NotReversibleError, match="already"):
            reverse(adjustment)

    def test_a_reversal_above_the_limit_waits_too(self, alice: Person) -> None:
        reversal = reverse(approve(ask(alice, "250.00")))

        assert (reversal.status, alice.balance()) == ("waiting", "250.00")
        assert (approve(reversal).status, alice.balance()) == ("posted", "0.00")

    def test_a_rejected_reversal_leaves_room_for_another(self, alice: Person) -> None:
        adjustment = approve(ask(alice, "250.00"))
        reject(reverse(adjustment))

        assert reverse(adjustment).status == "waiting"

    @pytest.mark.parametrize("state", [partial(ask), lambda *a: reject(ask(*a))])
    def test_what_was_not_posted_is_not_reversed(self, alice: Person, state: Any) -> None:
        with pytest.raises(rules.NotReversibleError, match="not posted"):
            reverse(state(alice, "250.00"))

    def test_a_reversal_is_not_reversed(self, alice: Person) -> None:
        reversal = reverse(ask(alice, "10.00"))

        with pytest.raises(rules.NotReversibleError, match="new adjustment"):
            reverse(reversal)

    def test_what_was_spent_cannot_be_taken_back_by_hand(self, alice: Person) -> None:
        adjustment = ask(alice, "50.00")
        ask(alice, "-1.00")

        with pytest.raises(rules.BelowZeroError):
            reverse(adjustment)


def test_every_step_is_in_the_audit_log(alice: Person) -> None:
    reject(ask(alice, "300.00"))
    adjustment = approve(ask(alice, "250.00"))
    reverse(adjustment)

    steps = AuditEntry.objects.order_by("pk").values_list("action", "by__username", "reason")
    assert list(steps) == [
        ("adjust credits", "sam", "She waited for a week"),
        ("reject adjustment", "fiona", "Too much"),
        ("adjust credits", "sam", "She waited for a week"),
        ("approve adjustment", "fiona", "Right"),
        ("reverse adjustment", "sam", "The wrong Alice"),
    ]
    [approval, _] = audit.of(adjustment)
    assert (approval.before["balance"], approval.after["balance"]) == ("0.00", "250.00")


def test_a_token_names_one_account(alice: Person) -> None:
    token = UUID(int=7)
    ask(alice, "10.00", token=token)

    with pytest.raises(adjustments.TokenTakenError):
        ask(register("dora"), "10.00", token=token)
