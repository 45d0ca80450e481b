"""Operators adjust a balance once, alone up to the limit, with another person above it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts import adjustment_rules as rules
from accounts import adjustments, audit, people
from accounts.models import Adjustment, AuditEntry, LedgerEntry, User
from accounts.operator_records import MOST_ADJUSTED
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


def active(user: User) -> None:
    """Deactivate the user behind the back of who holds `user`."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def group(user: User) -> None:
    """Take the user out of every group behind the back of who holds `user`."""
    User.objects.get(pk=user.pk).groups.clear()


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


class TestRefusing:
    """Nonsense is refused before anything is written."""

    @pytest.mark.parametrize(
        "amount", ["0", "-0.00", "NaN", "sNaN", "Infinity", "0.001", "100000.01", "-1e30"]
    )
    def test_an_amount_that_nobody_means(self, alice: Person, amount: str) -> None:
        with pytest.raises(rules.AdjustmentRefusedError):
            ask(alice, amount)

        assert not Adjustment.objects.exists()

    def test_no_amount_up_to_the_largest(self, alice: Person) -> None:
        assert ask(alice, str(MOST_ADJUSTED)).status == "waiting"

    @pytest.mark.parametrize(
        "nothing", [" \n", "\u200b", "\u2060\ufeff", "\u00ad", "\u3164", "..."]
    )
    def test_a_reason_that_says_nothing(self, alice: Person, nothing: str) -> None:
        with pytest.raises(audit.ReasonMissingError):
            ask(alice, "10.00", reason=nothing)

    @pytest.mark.parametrize("reason", ["退款", "Извините", "7"])
    def test_no_reason_for_its_language(self, alice: Person, reason: str) -> None:
        assert ask(alice, "10.00", reason=reason).reason == reason

    @pytest.mark.parametrize("owed", ["-10.01", "-500.00"])
    def test_a_debt(self, alice: Person, owed: str) -> None:
        give(alice, "10.00")

        with pytest.raises(rules.BelowZeroError):
            ask(alice, owed)

        assert alice.balance() == "10.00"

    def test_ones_own_balance(self, alice: Person) -> None:
        User.objects.filter(pk=alice.user.pk).update(is_superuser=True)

        with pytest.raises(rules.NotAllowedError, match="own"):
            ask(alice, "10.00", by=alice.user)

    def test_whoever_has_not_the_permission(self, alice: Person, charlie: Person) -> None:
        with pytest.raises(rules.NotAllowedError):
            ask(alice, "10.00", by=charlie.user)

    @pytest.mark.parametrize("lose", [active, group])
    def test_whoever_might_a_moment_ago(self, alice: Person, lose: Callable[[User], None]) -> None:
        remembered = sam()
        assert remembered.has_perm("accounts.adjust_credits")
        lose(remembered)

        with pytest.raises(rules.NotAllowedError, match="may not adjust"):
            ask(alice, "10.00", by=remembered)

    def test_credits_for_somebody_deactivated(self, alice: Person) -> None:
        give(alice, "10.00")
        people.deactivate(alice.user, by=None, reason="Fraud", now=NOW)

        with pytest.raises(rules.DeactivatedError):
            ask(alice, "0.01")

        assert ask(alice, "-0.01").status == "posted"

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

    @pytest.mark.parametrize("lose", [active, group])
    def test_it_is_not_decided_by_who_might_a_moment_ago(
        self, alice: Person, lose: Callable[[User], None]
    ) -> None:
        waiting, remembered = ask(alice, "250.00"), fiona()
        assert remembered.has_perm("accounts.approve_adjustment")
        lose(remembered)

        with pytest.raises(rules.NotAllowedError, match="may not decide"):
            approve(waiting, by=remembered)

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
