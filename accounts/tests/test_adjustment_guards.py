"""The database refuses what bypasses `accounts.adjustments`.

`payments: test_database_guards` has the controls of these guards. Here are the cases beside them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction

from accounts import adjustment_rules as rules
from accounts import constraints, ledger
from accounts.models import Adjustment, ApprovalLimit
from accounts.tests.factories import Person, StaffFactory
from accounts.tests.roles import as_owner
from accounts.tests.test_adjustments import NOW, ask, fiona, reverse
from accounts.tests.test_ledger_guards import commit_would_check
from payments.tests.at_once import execute
from payments.tests.stripe_events import settle

UPDATE = "UPDATE adjustments SET"
# By Fiona, who may decide unless a test says otherwise.
FIONA = "(SELECT id FROM users WHERE username = 'fiona')"
DECIDE = f"decided_at = now(), decision_note = 'Right', decided_by_id = {FIONA}"
REJECT = f"{DECIDE}, status = 'rejected'"


@contextmanager
def committed() -> Iterator[None]:
    with transaction.atomic():
        yield
        commit_would_check()


@contextmanager
def refused(*, by: str) -> Iterator[None]:
    """Assert that the constraint `by` refuses the block, or a commit after it."""
    with pytest.raises(IntegrityError) as error, committed():
        yield

    assert constraints.violated(error.value) == by


def set_limit(amount: str) -> None:
    with as_owner():
        ApprovalLimit.objects.update(amount=Decimal(amount))


def allow_edits() -> None:
    commit_would_check()
    with as_owner():
        execute("ALTER TABLE adjustments DISABLE TRIGGER adjustments_stand")


def test_it_refuses_a_balance_below_zero(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    adjustment = ask(alice, "40.00")
    ask(alice, "-1.00")
    monkeypatch.setattr(rules, "require_postable", lambda *args, **kwargs: None)

    with refused(by="adjustments_make_no_debt"):
        reverse(adjustment)


@pytest.mark.parametrize(
    ("group", "permission", "is_superuser", "is_accepted"),
    [
        ("Finance", "", False, True),
        ("", "approve_adjustment", False, True),
        ("", "", True, True),
        ("Support", "", False, False),
    ],
)
def test_it_accepts_only_a_decision_with_the_permission(
    alice: Person, group: str, permission: str, is_superuser: bool, is_accepted: bool
) -> None:
    decider = StaffFactory.create(username="fiona", is_superuser=is_superuser)
    decider.groups.set(Group.objects.filter(name=group))
    decider.user_permissions.set(Permission.objects.filter(codename=permission))
    ask(alice, "250.00")

    with nullcontext() if is_accepted else refused(by="adjustments_decider_may"):
        execute(f"{UPDATE} {REJECT}")

    assert (Adjustment.objects.get().status == "rejected") is is_accepted


@pytest.mark.parametrize(
    ("amount", "change", "guard"),
    [
        ("250.00", "amount = 100000.01", "adjustments_of_something"),
        ("250.00", "amount = -100000.01", "adjustments_of_something"),
        ("250.00", f"{REJECT}, user_id = {FIONA}", "adjustments_not_of_ones_own"),
        ("250.00", f"{REJECT}, requested_by_id = NULL", "adjustments_decided_by_another"),
        ("250.00", REJECT.replace("now()", "NULL"), "adjustments_decided_with_a_reason"),
        ("250.00", DECIDE, "adjustments_decided_with_a_reason"),
        ("250.00", "status = 'rejected'", "adjustments_above_the_limit_need_two"),
        ("10.00", "status = 'waiting', ledger_entry_id = NULL", "adjustments_stand"),
        ("10.00", "decision_note = 'Me too'", "adjustments_stand"),
        ("250.00", "user_id = user_id + 1", "adjustments_stand"),
        ("250.00", "reason = 'Other'", "adjustments_stand"),
        ("250.00", "requested_by_id = NULL", "adjustments_stand"),
        ("250.00", "approval_limit = 1000", "adjustments_stand"),
        ("10.00", "status = 'reversed'", "adjustments_close_in_order"),
        ("250.00", "status = 'reversed'", "adjustments_close_in_order"),
        ("250.00", f"status = 'withdrawn', {DECIDE}", "adjustments_close_in_order"),
    ],
    ids=str,
)
def test_it_refuses_a_change(alice: Person, amount: str, change: str, guard: str) -> None:
    fiona()
    ask(alice, amount)
    if guard not in ("adjustments_stand", "adjustments_close_in_order"):
        allow_edits()

    with refused(by=guard):
        execute(f"{UPDATE} {change}")


@pytest.mark.parametrize(
    "change",
    ["decision_note = 'Late'", "amount = 1", "ledger_entry_id = NULL", "status = 'posted'"],
)
def test_it_refuses_a_change_of_what_is_closed(alice: Person, change: str) -> None:
    reverse(ask(alice, "10.00"))

    with refused(by="adjustments_stand"):
        execute(f"{UPDATE} {change} WHERE status = 'reversed'")


@pytest.mark.parametrize("status", ["reversed", "withdrawn"])
def test_it_refuses_a_new_row_that_is_closed(alice: Person, status: str) -> None:
    ask(alice, "250.00")

    with refused(by="adjustments_close_in_order"):
        execute(
            "INSERT INTO adjustments (user_id, amount, category, reason, status, requested_at,"
            " requested_by_id, approval_limit, decision_note, token) SELECT user_id, amount,"
            " category, reason, %s, now(), requested_by_id, 0, '', gen_random_uuid()"
            " FROM adjustments",
            status,
        )


def test_it_refuses_a_reversal_without_an_adjustment(alice: Person) -> None:
    entry = ask(alice, "10.00").ledger_entry
    assert entry

    with refused(by="adjustments_match_the_ledger"):
        ledger.reverse(entry, description="Forged", now=NOW)


def test_it_refuses_an_adjustment_with_the_entry_of_a_purchase(alice: Person) -> None:
    ask(alice, "10.00")
    purchase = settle(alice.user)
    allow_edits()

    with refused(by="adjustments_match_the_ledger"):
        execute("UPDATE adjustments SET ledger_entry_id = %s", purchase.ledger_entry_id or 0)
