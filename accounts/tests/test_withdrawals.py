"""A request that was a mistake is withdrawn: by its requester, while it waits."""

from functools import partial
from typing import Any

import pytest

from accounts import adjustment_rules as rules
from accounts import adjustments
from accounts.models import AuditEntry
from accounts.tests.factories import Person
from accounts.tests.test_adjustments import NOW, approve, ask, fiona, reject, sam

withdraw = partial(adjustments.withdraw, now=NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("note", "logged"), [("Wrong Alice", "Wrong Alice"), (" ", "Withdrawn by the requester")]
)
def test_the_requester_withdraws_a_request(alice: Person, note: str, logged: str) -> None:
    asked = withdraw(ask(alice, "250.00").pk, by=sam(), note=note)

    assert (asked.status, asked.decision_note, alice.balance()) == (
        "withdrawn",
        note.strip(),
        "0.00",
    )
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.reason, entry.by) == ("withdraw adjustment", logged, sam())


def test_nobody_else_withdraws_it(alice: Person) -> None:
    with pytest.raises(rules.NotAllowedError, match="only the requester"):
        withdraw(ask(alice, "250.00").pk, by=fiona(), note="")


def closed(adjustment: Any) -> Any:
    return withdraw(adjustment.pk, by=sam(), note="")


@pytest.mark.parametrize("close", [approve, reject, closed])
def test_what_is_decided_is_not_withdrawn(alice: Person, close: Any) -> None:
    asked = close(ask(alice, "250.00"))

    with pytest.raises(rules.NotWaitingError):
        withdraw(asked.pk, by=sam(), note="")


@pytest.mark.parametrize("decide", [approve, reject])
def test_what_is_withdrawn_is_not_decided(alice: Person, decide: Any) -> None:
    asked = closed(ask(alice, "250.00"))

    with pytest.raises(rules.NotWaitingError):
        decide(asked)

    assert alice.balance() == "0.00"
