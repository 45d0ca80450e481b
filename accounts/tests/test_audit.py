"""The audit log keeps what operators do, and nobody can change it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, reviewer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def record(person: Person, action: str = "deactivate", **how: Any) -> AuditEntry:
    """Record what Rita did, unless `how` says otherwise."""
    values = {"by": reviewer(), "target": person.user, "reason": "Asked", "now": NOW, **how}
    return audit.record(action=action, **values)


def test_it_stores_operator_action_target_reason_and_money_exactly(alice: Person) -> None:
    entry = record(alice, before={"credits": Decimal("0.10")})

    entry.refresh_from_db()
    assert (entry.by, entry.action, entry.at) == (reviewer(), "deactivate", NOW)
    assert (entry.target_type, entry.target_id) == ("accounts.user", alice.user.pk)
    assert (entry.target_label, entry.reason) == ("alice", "Asked")
    assert (entry.before, entry.after) == ({"credits": "0.10"}, {})
    of_all = audit.record(by=None, action="export", target=User, reason="Asked", now=NOW)
    assert (of_all.target_type, of_all.target_id) == ("accounts.user", None)
    assert of_all.target_label == "users"
    assert [*audit.of(alice.user)] == [entry]


def test_the_actions_are_listed_once_each(alice: Person) -> None:
    for action in ("reactivate", "deactivate", "reactivate"):
        record(alice, action)

    assert audit.actions() == ["deactivate", "reactivate"]


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"LOGNAME": "ada"}, "ada"),
        ({"LOGNAME": "root", "SUDO_USER": "grace"}, "grace"),
        ({}, "account 54321"),
    ],
)
def test_it_stores_the_shell_user_of_a_command(
    alice: Person, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str
) -> None:
    for variable in ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("os.getuid", lambda: 54_321)

    entry = record(alice, by=None)

    assert (entry.shell_user, entry.who) == (name, f"{name}, on the command line")


def test_the_database_refuses_an_entry_of_two(alice: Person) -> None:
    entry = record(alice)
    entry.pk, entry.shell_user = None, "ada"

    with pytest.raises(IntegrityError, match="audit_says_who"), transaction.atomic():
        entry.save()


def test_the_database_deletes_no_entry(alice: Person, owner: None) -> None:
    entry = record(alice)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        entry.delete()


@pytest.mark.parametrize(
    "reason",
    ["", "  ", "\n\t", "\u200b", "\u2060\ufeff", "\u00ad", "\u3164", "...", "x" * 501],
)
def test_a_reason_without_words_or_too_long_is_refused(reason: str) -> None:
    with pytest.raises(audit.ReasonMissingError):
        audit.require_reason(reason)


@pytest.mark.parametrize("reason", ["退款", "Извините", "7", "x" * 500])
def test_a_reason_may_be_in_any_language(reason: str) -> None:
    assert audit.require_reason(f" {reason}\n") == reason
