"""Clicks at once: each adjustment changes the balance once, or not at all."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from accounts import adjustment_rules as rules
from accounts import adjustments, advisory_locks, ledger
from accounts.models import Adjustment, AuditEntry, LedgerEntry, User
from accounts.tests.factories import Person, member_of, register
from accounts.tests.test_adjustments import approve, ask, fiona, reject, reverse, sam
from payments.tests.at_once import another_transaction, at_once, in_background, wait_until_blocked
from payments.tests.guards import meeting, unlock_accounts

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(act: Callable[[], Adjustment]) -> str:
    """Return the final status, or the name of the refusal."""
    try:
        return act().status
    except rules.AdjustmentRefusedError as error:
        return type(error).__name__


def test_one_click_sent_twenty_times_is_one_adjustment(alice: Person) -> None:
    click = partial(ask, alice, "10.00", by=sam(), token=uuid4())

    clicks = at_once(*[click] * 20)

    assert len({adjustment.pk for adjustment in clicks}) == 1
    assert (alice.balance(), LedgerEntry.objects.count()) == ("10.00", 1)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "people", "times", "posted"),
    [("30.00", 1, 8, 3), ("100.00", rules.ACCOUNTS_PER_DAY + 3, 1, rules.ACCOUNTS_PER_DAY)],
    ids=["split amounts", "many accounts"],
)
def test_adjustments_at_once_stay_within_the_limit(
    db: None, amount: str, people: int, times: int, posted: int
) -> None:
    operator = sam()
    friends = [register(f"friend{number}") for number in range(people)] * times
    gifts = [partial(ask, friend, amount, by=operator) for friend in friends]

    statuses = at_once(*(partial(outcome, gift) for gift in gifts))

    assert Counter(statuses) == {"posted": posted, "waiting": len(friends) - posted}
    given = sum(Decimal(friend.balance()) for friend in friends) / times
    assert given == posted * Decimal(amount)


@pytest.mark.negative_control
def test_without_the_lock_split_amounts_exceed_the_limit(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlock_accounts(monkeypatch)
    monkeypatch.setattr(rules, "remaining_limit", meeting(rules.remaining_limit, after=True))
    parts = [partial(ask, alice, "60.00", by=sam()) for _ in range(2)]

    statuses = at_once(*(partial(outcome, part) for part in parts))

    assert (statuses, alice.balance()) == (["posted", "posted"], "120.00")


@pytest.mark.negative_control
def test_without_the_operators_lock_two_accounts_exceed_the_limit_on_all(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlock_operators(monkeypatch)
    monkeypatch.setattr(rules, "ACCOUNTS_PER_DAY", 1)
    monkeypatch.setattr(rules, "remaining_limit", meeting(rules.remaining_limit, after=True))
    gifts = [partial(ask, person, "60.00", by=sam()) for person in (alice, charlie)]

    statuses = at_once(*(partial(outcome, gift) for gift in gifts))

    assert statuses == ["posted", "posted"]


def unlock_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock only the account, and read the operator without a lock."""

    def without_the_operator(user_id: int, by: User) -> dict[int, User]:
        account = ledger.lock_accounts(User.objects.filter(pk=user_id))
        return {by.pk: User.objects.get(pk=by.pk)} | account

    monkeypatch.setattr(adjustments, "_lock_people", without_the_operator)


@pytest.mark.parametrize("amount", ["5.00", "250.00"])
def test_one_token_for_two_accounts_at_once_adjusts_one(
    alice: Person, charlie: Person, amount: str
) -> None:
    token = uuid4()
    asks = [
        partial(ask, alice, amount, by=sam(), token=token),
        partial(ask, charlie, amount, by=fiona(), token=token),
    ]

    statuses = at_once(*(partial(outcome, each) for each in asks))

    assert "TokenTakenError" in statuses
    assert Adjustment.objects.count() == 1


@pytest.mark.negative_control
def test_without_the_lock_a_token_for_two_accounts_is_an_error(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory_locks, "lock", str)
    monkeypatch.setattr(
        adjustments, "_find_repeated", meeting(adjustments._find_repeated, after=True)
    )
    token = uuid4()
    asks = [
        partial(ask, alice, "5.00", by=sam(), token=token),
        partial(ask, charlie, "5.00", by=fiona(), token=token),
    ]

    with pytest.raises(ledger.IdempotencyConflictError):
        at_once(*asks)


def test_debits_at_once_do_not_go_below_zero(alice: Person) -> None:
    ask(alice, "10.00")
    debits = [partial(ask, alice, "-4.00", by=sam()) for _ in range(6)]

    statuses = at_once(*(partial(outcome, debit) for debit in debits))

    assert Counter(statuses) == {"posted": 2, "BelowZeroError": 4}
    assert alice.balance() == "2.00"


@pytest.mark.parametrize("other", [approve, reject])
def test_two_decisions_at_once_have_one_winner(alice: Person, other: Any) -> None:
    for _ in range(5):
        before, waiting = Decimal(alice.balance()), ask(alice, "250.00")
        yes = partial(approve, waiting, by=fiona())
        second = partial(other, waiting, by=member_of("Finance", "fred"))

        statuses = at_once(partial(outcome, yes), partial(outcome, second))

        waiting.refresh_from_db()
        assert sorted(statuses) == sorted(["NotWaitingError", waiting.status])
        assert Decimal(alice.balance()) - before == (250 if waiting.status == "posted" else 0)


def test_a_reversal_waits_for_another_request_with_its_token(alice: Person) -> None:
    adjustment, token = ask(alice, "10.00"), uuid4()

    with (
        another_transaction(advisory_locks.LOCK, str(token)) as other,
        in_background(partial(reverse, adjustment, token=token)) as reversal,
    ):
        wait_until_blocked()
        other.rollback()

    assert reversal.result().status == "posted"


def test_two_reversals_at_once_reverse_it_once(alice: Person) -> None:
    adjustment = ask(alice, "10.00")
    reversals = [partial(reverse, adjustment, by=by) for by in (sam(), fiona())]

    statuses = at_once(*(partial(outcome, reversal) for reversal in reversals))

    assert sorted(statuses) == ["NotReversibleError", "posted"]
    assert alice.balance() == "0.00"
