"""Every guard of money has a test that goes red without it; here each is switched off in turn.

A guard that only two at once can miss has a control with threads instead, which sees money go
wrong by itself; here that control is only looked for.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.tests import test_adjustment_guards
from payments.reports.invariants import breaches
from payments.tests import test_inbox
from payments.tests.guards import Guard
from payments.tests.guards_of_accounts import DOORS, LEDGER
from payments.tests.guards_of_adjustments import ADJUSTMENTS
from payments.tests.guards_of_bonuses import BONUSES
from payments.tests.guards_of_clawbacks import CLAWBACKS
from payments.tests.guards_of_purchases import EVENTS, SETTLEMENT
from referrals.tests import test_budget, test_review

GUARDS = [*LEDGER, *EVENTS, *SETTLEMENT, *BONUSES, *CLAWBACKS, *DOORS, *ADJUSTMENTS]

_PURCHASES = "payments.tests.test_negative_controls"
_BALANCES = "accounts.tests.test_negative_controls::TestBalanceGuard"
CONTROLS = {
    "an event is locked": f"{_PURCHASES}::TestEventGuard"
    "::test_without_it_and_those_behind_it_an_event_credits_twice",
    "a payment is locked": f"{_PURCHASES}::TestSessionGuard"
    "::test_without_it_and_the_key_a_session_credits_twice",
    "a buyer is locked": f"{_PURCHASES}::TestFirstPurchaseGuard"
    "::test_without_it_and_those_behind_it_the_bonus_is_paid_twice",
    "a referrer is locked": f"{_PURCHASES}::TestCapGuard"
    "::test_without_the_lock_and_the_slot_there_is_an_eleventh_bonus",
    "a refund and its purchase take turns": "payments.tests.test_negative_controls_of_turns"
    "::test_without_turns_a_refund_is_forgotten",
    "a balance is locked": f"{_BALANCES}"
    "::test_without_the_lock_the_database_refuses_what_would_be_lost",
    "an entry has a number of its own": f"{_BALANCES}"
    "::test_without_the_lock_and_the_numbers_an_update_is_lost",
    "an account is locked while it is adjusted": "accounts.tests.test_adjustments_at_once"
    "::test_without_the_lock_split_amounts_exceed_the_limit",
    "an operator is locked while she adjusts": "accounts.tests.test_adjustments_at_once"
    "::test_without_the_operators_lock_two_accounts_exceed_the_limit_on_all",
    "a token has its turn": "accounts.tests.test_adjustments_at_once"
    "::test_without_the_lock_a_token_for_two_accounts_is_an_error",
    "a limit counts in one statement": "accounts.tests.test_limits"
    "::test_a_counter_that_reads_and_then_writes_allows_more",
}

# Of the stories' own fixtures, those that some of them need.
broken = test_inbox.broken
waiting, posted = test_adjustment_guards.waiting, test_adjustment_guards.posted
held, one_mailbox = test_review.held, test_review.one_mailbox
budget = test_budget.budget

# KeyError: a story that asks what became of an event, when that ended in an error.
RED = (AssertionError, pytest.fail.Exception, KeyError)

pytestmark = pytest.mark.django_db


def marks(*owners: object) -> list[pytest.Mark]:
    """Return the marks that are written on a test, its class and its module."""
    written = (getattr(owner, "pytestmark", []) for owner in owners)
    lists = (one if isinstance(one, list) else [one] for one in written)
    return [getattr(mark, "mark", mark) for mark in chain.from_iterable(lists)]


def tell(guard: Guard, request: pytest.FixtureRequest) -> str:
    """Run the guard's story, and the check that follows every test; return what it was red for."""
    for mark in marks(guard.story, sys.modules[guard.story.__module__]):
        for name in mark.args if mark.name == "usefixtures" else ():
            request.getfixturevalue(name)
    names = inspect.signature(guard.story).parameters.keys() - guard.given.keys()
    people = {name: request.getfixturevalue(name) for name in sorted(names)}
    try:
        with transaction.atomic():
            guard.story(**people, **guard.given)
            assert breaches() == []
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)
    except RED as failure:
        return f"{type(failure).__name__}: {failure}"
    return ""


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.promise)
def test_with_its_guard_a_story_ends_well(guard: Guard, request: pytest.FixtureRequest) -> None:
    assert tell(guard, request) == ""


@pytest.mark.negative_control
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.promise)
def test_without_its_guard_a_story_goes_red(
    guard: Guard,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    guard.off(monkeypatch)

    failure = tell(guard, request)

    is_caught = failure != "" and guard.sign in failure
    record_property("guards", {"guards": 1, "caught": int(is_caught)})
    assert is_caught, failure or "nothing catches it"


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_what_takes_two_at_once_has_a_control_of_its_own(
    control: str, record_property: Callable[[str, object], None]
) -> None:
    module, *names = control.split("::")
    owners: list[Any] = [importlib.import_module(module)]
    for name in names:
        owners.append(getattr(owners[-1], name, None))

    is_there = callable(owners[-1])
    is_control = "negative_control" in {mark.name for mark in marks(*owners)}
    record_property("guards", {"guards": 1, "caught": int(is_there and is_control)})
    assert (is_there, is_control) == (True, True)


def named_in_the_guarantees() -> list[str]:
    """Return the tests that the page of guarantees names, each as `app/file::class`."""
    app, file, named = "", "", []
    for name in re.findall(r"`([^`]+)`", (settings.BASE_DIR / "docs/guarantees.md").read_text()):
        found = re.fullmatch(r"(?:(\w+): )?(test_\w+)?(?:::)?(Test\w+)?", name)
        if found and any(found.groups()):
            app, file = found[1] or app, found[2] or file
            named.append(f"{app}/{file}::{found[3] or ''}")
    return named


@pytest.mark.parametrize("name", sorted(set(named_in_the_guarantees())))
def test_what_the_guarantees_name_is_there(name: str) -> None:
    path, _, group = name.partition("::")
    app, _, file = path.partition("/")

    module = importlib.import_module(f"{app}.tests.{file}")

    assert hasattr(module, group or "__doc__")
