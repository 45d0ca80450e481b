"""`manage.py adjust_credits` adjusts as the admin does, and prints the outcome."""

import csv
import io
import json
import re
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts import audit
from accounts.models import Adjustment
from accounts.tests.factories import Person, give, member_of, register

REASON = "--reason=Waited for a week"


def adjust(*arguments: str) -> str:
    out = io.StringIO()
    call_command("adjust_credits", *arguments, REASON, stdout=out)
    return out.getvalue()


def test_it_prints_the_new_balance(alice: Person) -> None:
    sam = member_of("Support")

    printed = adjust("alice", "25", "--category", "goodwill", "--by", "sam")

    adjustment = Adjustment.objects.get()
    assert re.search(rf"\n1 +{adjustment.pk} +alice +25.00 +25.00 +posted +False\n", printed)
    assert printed.endswith("\n1 balance adjusted.\n")
    assert (adjustment.category, adjustment.requested_by) == ("goodwill", sam)
    assert audit.of(adjustment).get().by == sam


@pytest.mark.parametrize("amount", ["-2.50", "-2.5", "-02.5"])
def test_it_accepts_a_negative_amount(alice: Person, amount: str) -> None:
    give(alice, "10.00")

    adjust("alice", amount)

    assert alice.balance() == "7.50"


def test_above_the_limit_it_waits(alice: Person) -> None:
    member_of("Finance")
    arguments = ("alice", "100.01", "--by", "fiona")

    printed, as_csv = adjust(*arguments), adjust(*arguments, "--format", "csv")

    assert re.search(r"\n0 +\d+ +alice +100.01 +– +waiting +False\n0 balances adjusted", printed)
    [row] = csv.DictReader(io.StringIO(as_csv))
    assert (row["balances_adjusted"], row["amount"], row["status"]) == ("0", "100.01", "waiting")
    assert alice.balance() == "0.00"


def test_a_repeated_token_adjusts_once(alice: Person) -> None:
    arguments = ("alice", "5", f"--token={uuid4()}")

    [first] = json.loads(adjust(*arguments, "--format", "json"))
    [again] = json.loads(adjust(*arguments, "--format", "json"))

    adjustment = Adjustment.objects.get()
    assert first == {
        "balances_adjusted": 1,
        "adjustment_id": adjustment.pk,
        "username": "alice",
        "amount": 5.0,
        "balance_after": 5.0,
        "status": "posted",
        "was_done_already": False,
    }
    assert again == first | {"balances_adjusted": 0, "was_done_already": True}
    assert alice.balance() == "5.00"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody", "5"), "There is no user 'nobody'"),
        (("alice@example.com", "5"), " alice@example.com: use the number, like #"),
        (("alice", "5", "--by", "nobody"), "There is no user 'nobody'"),
        (("alice", "5", "--by", "alice"), "Nothing was adjusted: you cannot adjust your own"),
        (("alice", "0"), "Nothing was adjusted: the amount must be up to $100,000.00, not 0"),
        (("alice", "NaN"), "Nothing was adjusted: the amount must be up to"),
        (
            ("alice", "101"),
            "Nothing was adjusted: more than $100.00 needs a second person, so name yourself: --by",
        ),
        (("alice", "-1"), "Nothing was adjusted: the balance would be -$1.00; it is $0.00"),
        (("alice", "ten"), "'ten' is not an amount like 10.00"),
        (("alice", "5", "--token", "x"), "invalid UUID value"),
    ],
)
def test_it_says_why_nothing_was_adjusted(
    alice: Person, arguments: tuple[str, ...], message: str
) -> None:
    mallory = register("alice@example.com")

    with pytest.raises(CommandError, match=re.escape(message)):
        adjust(*arguments)

    assert (alice.balance(), mallory.balance()) == ("0.00", "0.00")
