"""Operators adjust a balance once, alone up to the limit, with a second person above it."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import adjustment_rules as rules
from accounts import adjustments, audit, people
from accounts.models import Adjustment, AuditEntry, LedgerEntry, User
from accounts.operator_models import MAX_ADJUSTMENT
from accounts.tests.factories import Person, give, member_of

NOW = timezone.now()


def sam() -> User:
    return member_of("Support")


def fiona() -> User:
    return member_of("Finance")


def frank() -> User:
    return member_of("Finance", "frank")


def ask(person: Person, amount: str, **changes: Any) -> Adjustment:
    """Request an adjustment as Sam, unless `changes` say otherwise."""
    values: dict[str, Any] = {
        "user": person.user,
        "amount": Decimal(amount),
        "category": Adjustment.Category.GOODWILL,
        "reason": "Waited for a week",
        "by": changes.pop("by") if "by" in changes else sam(),
        "token": uuid4(),
        "now": NOW,
    }
    return adjustments.request_adjustment(**values | changes)


def approve(adjustment: Adjustment, by: User | None = None, note: str = "Right") -> Adjustment:
    return adjustments.approve(adjustment.pk, by=by or fiona(), note=note, now=NOW)


def reject(adjustment: Adjustment, by: User | None = None, note: str = "Too much") -> Adjustment:
    return adjustments.reject(adjustment.pk, by=by or fiona(), note=note, now=NOW)


def withdraw(adjustment: Adjustment, by: User | None = None, note: str = "") -> Adjustment:
    return adjustments.withdraw(adjustment.pk, by=by or sam(), note=note, now=NOW)


def reverse(adjustment: Adjustment, by: User | None = None, **changes: Any) -> Adjustment:
    values: dict[str, Any] = {
        "reason": "The wrong Alice",
        "by": by or sam(),
        "token": uuid4(),
        "now": NOW,
    }
    return adjustments.reverse(adjustment.pk, **values | changes)


def lose_account(user: User) -> None:
    """Deactivate the user in the database; `user` itself stays as it was read."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def hire(user: User, role: str = "is_staff") -> None:
    """Make the user staff, or a superuser who is no staff."""
    User.objects.filter(pk=user.pk).update(**{role: True})


def lose_groups(user: User) -> None:
    """Remove the user's groups in the database; `user` itself stays as it was read."""
    User.objects.get(pk=user.pk).groups.clear()


class TestRequest:
    """An adjustment within the limit is posted at once, and only once."""

    def test_its_entry_names_the_operator(self, alice: Person) -> None:
        adjustment = ask(alice, "25.00")

        entry = LedgerEntry.objects.get()
        assert (adjustment.status, adjustment.ledger_entry) == ("posted", entry)
        assert (entry.kind, entry.posted_by, alice.balance()) == ("adjustment", sam(), "25.00")

    def test_the_statement_does_not_show_the_reason(self, alice: Person) -> None:
        ask(alice, "5.00", category=Adjustment.Category.FRAUD, reason="Lied to us")
        ask(alice, "5.00")

        [goodwill, fraud] = alice.api.get("/user/transactions").json()["results"]
        assert (goodwill["description"], fraud["description"]) == (
            "Adjustment: goodwill",
            "Adjustment",
        )

    @pytest.mark.parametrize(
        ("amount", "balance"), [("10.00", "20.00"), ("-10.00", "0.00")], ids=["credit", "debit"]
    )
    def test_a_repeated_token_returns_the_first(
        self, alice: Person, amount: str, balance: str
    ) -> None:
        """The repeated debit would be refused if it were a new one: the balance is zero then."""
        give(alice, "10.00")
        token = uuid4()

        first, second = ask(alice, amount, token=token), ask(alice, amount, token=token)

        assert (first, alice.balance()) == (second, balance)

    @pytest.mark.parametrize("changed", [{"amount": "9.00"}, {"reason": "Another"}, {"user": None}])
    def test_a_token_cannot_be_used_for_another_request(
        self, alice: Person, charlie: Person, changed: dict[str, Any]
    ) -> None:
        token = uuid4()
        if "user" in changed:
            changed = {"user": charlie.user}
        ask(alice, "10.00", token=token)

        with pytest.raises(adjustments.TokenTakenError):
            ask(alice, **dict[str, Any](amount="10.00", token=token) | changed)

        assert alice.balance() == "10.00"


class TestRefusal:
    """The request is refused before anything is written."""

    @pytest.mark.parametrize(
        ("amount", "refusal"),
        [
            *(
                (amount, rules.AdjustmentRefusedError)
                for amount in ("0", "-0.00", "NaN", "sNaN", "Infinity", "0.001", "100000.01")
            ),
            *((amount, rules.AdjustmentRefusedError) for amount in ("-0.001", "-1e30")),
            *((amount, rules.BelowZeroError) for amount in ("-10.01", "-500.00")),
        ],
    )
    def test_an_amount_that_cannot_be(
        self, alice: Person, amount: str, refusal: type[Exception]
    ) -> None:
        give(alice, "10.00")

        with pytest.raises(refusal):
            ask(alice, amount)

        assert (alice.balance(), Adjustment.objects.count()) == ("10.00", 1)

    def test_no_amount_up_to_the_largest(self, alice: Person) -> None:
        assert ask(alice, str(MAX_ADJUSTMENT)).status == "waiting"

    def test_no_reason(self, alice: Person) -> None:
        with pytest.raises(audit.ReasonMissingError):
            ask(alice, "10.00", reason="\u200b")

    def test_the_own_balance_and_who_lacks_the_permission(
        self, alice: Person, charlie: Person
    ) -> None:
        alice.change(is_superuser=True)

        for by, why in ((alice.user, "own"), (charlie.user, "may not adjust")):
            with pytest.raises(rules.NotAllowedError, match=why):
                ask(alice, "10.00", by=by)

    def test_credits_for_a_deactivated_person(self, alice: Person) -> None:
        give(alice, "10.00")
        people.deactivate(alice.user, by=None, reason="Fraud", now=NOW)

        with pytest.raises(rules.DeactivatedError):
            ask(alice, "0.01")

        assert ask(alice, "-0.01").status == "posted"

    def test_a_preview_says_what_one_person_may_do_alone(self, alice: Person) -> None:
        give(alice, "10.00")
        ask(alice, "70.00")

        limit = adjustments.preview(user=alice.user, amount=Decimal("30.01"), by=sam(), now=NOW)

        assert limit.amount == 30
        assert [limit.allows(Decimal(amount)) for amount in ("30.00", "-30.00", "30.01")] == [
            *(True, True, False)
        ]

    def test_a_preview_is_refused_like_the_request(self, alice: Person) -> None:
        preview = partial(adjustments.preview, user=alice.user, by=sam(), now=NOW)

        with pytest.raises(rules.BelowZeroError):
            preview(amount=Decimal(-1))
        lose_account(alice.user)
        with pytest.raises(rules.DeactivatedError):
            preview(amount=Decimal(1))


class TestDecision:
    """Above the limit a second person decides, once."""

    def test_an_approved_adjustment_is_posted_by_the_approver(self, alice: Person) -> None:
        approved = approve(ask(alice, "250.00"))

        assert (approved.status, approved.decided_by) == ("posted", fiona())
        assert (alice.balance(), LedgerEntry.objects.get().posted_by) == ("250.00", fiona())

    def test_a_rejected_adjustment_changes_no_balance(self, alice: Person) -> None:
        rejected = reject(ask(alice, "250.00"))

        assert (rejected.status, rejected.decision_note) == ("rejected", "Too much")
        assert (alice.balance(), LedgerEntry.objects.count()) == ("0.00", 0)

    @pytest.mark.parametrize("second", [approve, reject, withdraw])
    @pytest.mark.parametrize("first", [approve, reject, withdraw])
    def test_it_is_closed_once(self, alice: Person, first: Any, second: Any) -> None:
        closed = first(ask(alice, "250.00"))
        balance = alice.balance()

        with pytest.raises(rules.NotWaitingError):
            second(closed)

        assert alice.balance() == balance

    @pytest.mark.parametrize("decide", [approve, reject])
    def test_who_takes_part_or_lacks_the_permission_cannot_decide(
        self, alice: Person, decide: Any
    ) -> None:
        waiting = ask(alice, "250.00", by=fiona())
        hire(alice.user)

        for by, why in (
            (fiona(), "other than the requester"),
            (member_of("Finance", "alice"), "other than the requester"),
            (member_of("Support", "susan"), "may not decide"),
        ):
            with pytest.raises(rules.NotAllowedError, match=why):
                decide(waiting, by=by)
        with pytest.raises(audit.ReasonMissingError):
            decide(waiting, by=frank(), note=" ")

    @pytest.mark.parametrize("lose", [lose_account, lose_groups])
    def test_who_has_just_lost_the_permission_neither_adjusts_nor_decides(
        self, alice: Person, lose: Callable[[User], None]
    ) -> None:
        waiting = ask(alice, "250.00")

        for stale, act, why in (
            (sam(), partial(ask, alice, "10.00"), "may not adjust"),
            (fiona(), partial(approve, waiting), "may not decide"),
        ):
            assert stale.has_perm("accounts.adjust_credits")
            lose(stale)
            with pytest.raises(rules.NotAllowedError, match=why):
                act(by=stale)

    def test_the_balance_is_checked_again_on_approval(self, alice: Person) -> None:
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
        ("adjust credits", "sam", "Waited for a week"),
        ("reject adjustment", "fiona", "Too much"),
        ("adjust credits", "sam", "Waited for a week"),
        ("approve adjustment", "fiona", "Right"),
        ("reverse adjustment", "sam", "The wrong Alice"),
    ]
    [approval, _] = audit.of(adjustment)
    assert (approval.before["balance"], approval.after["balance"]) == ("0.00", "250.00")
