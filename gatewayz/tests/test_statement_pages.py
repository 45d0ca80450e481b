"""A person's statement as pages and as CSV."""

import csv
import json
from typing import Any

import pytest

from accounts import ledger
from accounts.tests.factories import Person, give, logged_in
from gatewayz.site import statement
from payments.tests.stripe_events import deliver, refer, refund, settle
from referrals import bonuses


def rows(person: Person) -> list[list[str]]:
    response: Any = logged_in(person.user).get("/dashboard/statement.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(b"".join(response).decode().splitlines()))


def test_each_entry_is_in_words_the_newest_first(bob: Person) -> None:
    deliver(refund(settle(bob.user), 1000))

    page = logged_in(bob.user).get("/dashboard/statement").content.decode()

    told = (
        *("Bonus taken back: the purchase no longer qualifies", "Refund of a purchase"),
        *("Bonus for registering with the code", "Purchase of credits"),
    )
    places = [page.find(words) for words in told]
    assert -1 not in places
    assert "-$10.00" in page


def test_the_pages_hold_every_entry_of_the_person_once_and_none_of_others(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "_ON_A_PAGE", 2)
    settle(alice.user, 4321)
    for cents in (100, 200, 300):
        settle(charlie.user, cents)
    browser = logged_in(charlie.user)

    first = browser.get("/dashboard/statement").content.decode()
    second = browser.get("/dashboard/statement?before=2").content.decode()

    assert ("$3.00" in first, "?before=2" in first) == (True, True)
    assert ("<td>Purchase" in second, "Older" in second) == (True, False)
    assert "43.21" not in first + second
    assert len(rows(charlie)) == 4


def test_the_csv_holds_every_entry_with_exact_amounts(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "_IN_A_BATCH", 2)
    refer(alice, 2)
    payment = settle(alice.user, 1234)
    deliver(refund(payment, 234))
    give(alice, "5.00")

    heading, *entries = rows(alice)

    assert heading[-2:] == ["amount", "balance_after"]
    assert [row[0] for row in entries] == ["5", "4", "3", "2", "1"]
    assert [row[-2] for row in entries] == ["5.00", "-2.34", "12.34", "10.00", "10.00"]


def test_older_descriptions_name_no_friend(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def as_before(**values: Any) -> ledger.Posting:
        return ledger.Posting(**values | {"description": "Bonus for inviting bob"})

    monkeypatch.setattr(bonuses, "Posting", as_before)
    refer(alice)

    exported: Any = alice.api.get("/user/export")
    for answer in (
        logged_in(alice.user).get("/dashboard/statement").content,
        alice.api.get("/user/transactions").content,
        json.dumps(json.loads(exported.getvalue())["ledger_entries"]).encode(),
    ):
        assert b"Bonus for inviting a friend" in answer
        assert b"bob" not in answer
    assert rows(alice)[1][3] == "Bonus for inviting a friend"
