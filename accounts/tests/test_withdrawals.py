"""A request that was a mistake is withdrawn: by its requester, while it waits."""

import pytest

from accounts import adjustment_rules as rules
from accounts.models import AuditEntry
from accounts.tests.factories import Person
from accounts.tests.test_adjustments import ask, fiona, sam, withdraw


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("note", "kept", "logged"),
    [("Wrong Alice", "Wrong Alice", "Wrong Alice"), (" ", "", "Withdrawn by the requester")],
)
def test_the_requester_withdraws_a_request(
    alice: Person, note: str, kept: str, logged: str
) -> None:
    asked = withdraw(ask(alice, "250.00"), note=note)

    assert (asked.status, asked.decision_note, alice.balance()) == ("withdrawn", kept, "0.00")
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.reason, entry.by) == ("withdraw adjustment", logged, sam())


def test_nobody_else_withdraws_it(alice: Person) -> None:
    with pytest.raises(rules.NotAllowedError, match="only the requester"):
        withdraw(ask(alice, "250.00"), by=fiona())
