"""One operator's adjustments add up, per account and over all; above the limit they wait."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts import adjustment_rules as rules
from accounts import adjustments
from accounts.models import Adjustment, User
from accounts.tests.factories import Person, give, member_of, register
from accounts.tests.test_adjustment_guards import set_limit
from accounts.tests.test_adjustments import NOW, approve, ask, fiona, reverse, sam
from payments.tests.stripe_events import deliver, refund, settle


@pytest.mark.parametrize(
    ("amount", "status", "balance"),
    [
        *(("100.00", "posted", "600.00"), ("-100.00", "posted", "400.00")),
        *(("100.01", "waiting", "500.00"), ("-100.01", "waiting", "500.00")),
    ],
)
def test_a_cent_above_the_limit_waits(
    alice: Person, amount: str, status: str, balance: str
) -> None:
    approve(ask(alice, "500.00"))

    assert (ask(alice, amount).status, alice.balance()) == (status, balance)


def test_the_limit_is_what_the_database_says(alice: Person) -> None:
    set_limit("0")

    assert ask(alice, "0.01").status == "waiting"


def test_split_amounts_wait_when_their_sum_exceeds_the_limit(alice: Person) -> None:
    parts = [ask(alice, amount).status for amount in ("60.00", "-40.00", "0.01")]

    assert parts == ["posted", "posted", "waiting"]
    assert alice.balance() == "20.00"


@pytest.mark.parametrize("people", [0, rules.ACCOUNTS_PER_DAY], ids=["one account", "all"])
def test_after_24_hours_the_full_limit_is_available_and_not_before(
    alice: Person, people: int
) -> None:
    yesterday = NOW - timedelta(hours=24)
    ask(alice, "100.00", now=yesterday)
    spend("100.00", people=people, now=yesterday)

    before = ask(alice, "0.01", now=NOW - timedelta(minutes=1))

    assert (before.status, ask(alice, "100.00").status) == ("waiting", "posted")


def test_what_the_operator_took_back_in_time_does_not_count(alice: Person) -> None:
    for _ in range(3):
        reverse(ask(alice, "100.00"))

    assert [ask(alice, amount).status for amount in ("100.00", "0.01")] == ["posted", "waiting"]
    assert alice.balance() == "100.00"


def filled_up(person: Person) -> User:
    """Return an operator who may give this person nothing alone any more."""
    frank = member_of("Finance", "frank")
    ask(person, "100.00", by=frank)
    return frank


@pytest.mark.parametrize("giver", ["another operator", "the command line", "two people", "before"])
def test_to_take_back_what_others_gave_or_what_is_older_counts(alice: Person, giver: str) -> None:
    """Else an operator could take back yesterday's credits, and give them again, twice a day."""
    given = {
        "before": lambda: ask(alice, "100.00", now=NOW - timedelta(hours=24)),
        "another operator": lambda: ask(alice, "100.00", by=fiona()),
        "the command line": lambda: give(alice, "100.00"),
        "two people": lambda: approve(ask(alice, "100.00", by=filled_up(alice))),
    }[giver]()

    assert reverse(given).status == "posted"

    assert ask(alice, "0.01").status == "waiting"


def test_what_somebody_else_took_back_does_not_count_either(alice: Person) -> None:
    reverse(ask(alice, "100.00"), by=fiona())

    assert ask(alice, "100.00").status == "posted"
    assert ask(alice, "0.01", by=fiona()).status == "waiting"


def test_a_reversal_that_waits_frees_nothing(alice: Person) -> None:
    large = approve(ask(alice, "250.00"))
    ask(alice, "100.00")

    assert reverse(large).status == "waiting"
    assert ask(alice, "0.01").status == "waiting"


@pytest.mark.slow
def test_taking_back_and_giving_never_adds_up_to_more_than_the_limit(
    alice: Person, charlie: Person
) -> None:
    """Whatever the order, what one operator alone has given and not taken back is in the limit."""
    choose = random.Random(7)
    given: dict[int, Adjustment] = {}
    for minute in range(120):
        now = NOW + timedelta(minutes=minute)
        if given and choose.random() < 0.4:
            taken = reverse(given.pop(choose.choice(list(given))), now=now)
            assert taken.status == "posted"
        else:
            person = choose.choice([alice, charlie])
            asked = ask(person, f"{choose.randint(1, 100)}.00", now=now)
            given |= {asked.pk: asked} if asked.status == "posted" else {}
        assert all(Decimal(person.balance()) <= 100 for person in (alice, charlie))


def test_a_debt_may_be_made_smaller(alice: Person) -> None:
    purchase = settle(alice.user)
    ask(alice, "-10.00")
    deliver(refund(purchase, 1000))

    assert (ask(alice, "0.01").status, alice.balance()) == ("posted", "-9.99")


def test_each_account_and_operator_has_their_own_limit_and_approved_ones_do_not_count(
    alice: Person, charlie: Person
) -> None:
    approve(ask(alice, "100.01"))
    own = ask(alice, "100.00")

    others = ask(charlie, "100.00"), ask(alice, "100.00", by=fiona())

    assert [one.status for one in (own, *others)] == ["posted"] * 3


def spend(amount: str, *, people: int, **changes: Any) -> None:
    """Adjust this many accounts by the amount, as Sam."""
    for number in range(people):
        ask(register(f"friend{number}"), amount, **changes)


@pytest.mark.parametrize("amount", ["0.01", "-0.01"])
def test_the_limit_on_all_accounts_is_ten_times_the_limit_on_one(
    alice: Person, amount: str
) -> None:
    give(alice, "1.00")
    spend("100.00", people=rules.ACCOUNTS_PER_DAY)

    waiting = ask(alice, amount)

    assert (waiting.status, alice.balance()) == ("waiting", "1.00")
    assert ask(alice, amount, by=fiona()).status == "posted"


@pytest.mark.parametrize(("people", "left", "in_all"), [(9, "100.00", False), (10, "0.00", True)])
def test_a_preview_says_which_limit_applies(
    alice: Person, people: int, left: str, in_all: bool
) -> None:
    spend("100.00", people=people)

    limit = adjustments.preview(user=alice.user, amount=Decimal("100.01"), by=sam(), now=NOW)

    assert (limit.amount, limit.is_of_all_accounts) == (Decimal(left), in_all)


def test_above_the_limit_the_requester_must_be_named_of_a_reversal_too(alice: Person) -> None:
    with pytest.raises(rules.RequesterMissingError, match="--by"):
        ask(alice, "100.01", by=None)
    assert not Adjustment.objects.exists()
    adjustment = approve(ask(alice, "250.00"))

    with pytest.raises(rules.RequesterMissingError):
        adjustments.reverse(adjustment.pk, reason="Wrong", by=None, token=uuid4(), now=NOW)
