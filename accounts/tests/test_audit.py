"""What operators do is in the audit log, and nobody takes it out again."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, reviewer
from payments.tests.at_once import execute

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def record(person: Person, action: str = "deactivate") -> AuditEntry:
    return audit.record(by=reviewer(), action=action, target=person.user, reason="Asked", now=NOW)


def test_it_keeps_who_did_what_to_what_and_why(alice: Person) -> None:
    entry = record(alice)

    assert (entry.by, entry.action, entry.at) == (reviewer(), "deactivate", NOW)
    assert (entry.target_type, entry.target_id) == ("accounts.user", alice.user.pk)
    assert (entry.target_label, entry.reason) == ("alice", "Asked")


def test_what_was_ever_done_is_named_once(alice: Person) -> None:
    for action in ("reactivate", "deactivate", "reactivate"):
        record(alice, action)

    assert audit.actions() == ["deactivate", "reactivate"]


def test_it_keeps_money_exactly(alice: Person) -> None:
    entry = audit.record(
        by=None,
        action="x",
        target=alice.user,
        reason="Asked",
        before={"credits": Decimal("0.10")},
        now=NOW,
    )

    entry.refresh_from_db()
    assert (entry.before, entry.after) == ({"credits": "0.10"}, {})


@pytest.mark.parametrize(
    ("surroundings", "who"),
    [({"LOGNAME": "ada"}, "ada"), ({"LOGNAME": "root", "SUDO_USER": "grace"}, "grace")],
)
def test_of_the_command_line_it_keeps_who_typed_there(
    alice: Person, monkeypatch: pytest.MonkeyPatch, surroundings: dict[str, str], who: str
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)

    entry = audit.record(by=None, action="x", target=alice.user, reason="Asked", now=NOW)

    assert entry.who == f"{who}, on the command line"


def test_an_account_of_the_machine_without_a_name_is_told_by_its_number(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54_321)

    entry = audit.record(by=None, action="x", target=alice.user, reason="Asked", now=NOW)

    assert entry.shell_user == "account 54321"


@pytest.mark.parametrize(
    ("constraint", "wrong"),
    [
        ("audit_says_why", {"reason": " "}),
        ("audit_says_who", {"by": None}),
        ("audit_says_who", {"shell_user": "ada"}),
    ],
)
def test_the_database_refuses_what_tells_not_who_and_why(
    alice: Person, constraint: str, wrong: dict[str, Any]
) -> None:
    entry = record(alice)
    entry.pk = None
    for name, value in wrong.items():
        setattr(entry, name, value)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        entry.save()


def test_what_is_done_to_a_whole_list_names_the_list(db: None) -> None:
    entry = audit.record(by=None, action="export", target=User, reason="Asked", now=NOW)

    assert (entry.target_type, entry.target_id) == ("accounts.user", None)
    assert entry.target_label == "users"


def test_the_history_of_a_thing_begins_with_the_latest(alice: Person, charlie: Person) -> None:
    first, _, second = record(alice), record(charlie), record(alice, "reactivate")

    assert list(audit.of(alice.user)) == [second, first]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET reason = 'Nothing to see here'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_the_database_refuses_to_change_the_log(alice: Person, statement: str) -> None:
    record(alice)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    # The tests' own emptying of the tables needs it off; nothing else does.
    execute("ALTER TABLE audit_entries ENABLE TRIGGER audit_entries_not_truncated")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        execute(statement)

    assert [entry.reason for entry in AuditEntry.objects.all()] == ["Asked"]


def test_the_database_refuses_an_action_without_a_name(alice: Person) -> None:
    with pytest.raises(IntegrityError, match="audit_names_the_action"), transaction.atomic():
        record(alice, action="")


@pytest.mark.parametrize("reason", ["", "  ", "\n\t", "x" * 501])
def test_a_reason_that_says_nothing_or_too_much_is_refused(reason: str) -> None:
    with pytest.raises(audit.ReasonMissingError):
        audit.require_reason(reason)
