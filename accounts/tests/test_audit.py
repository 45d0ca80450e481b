"""The audit log keeps what operators do, nobody can change it, and people can read it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.html import strip_tags

from accounts import api_keys, audit
from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, reviewer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LOG = "/admin/accounts/auditentry/"


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


def listed(finance: Client, query: str) -> list[AuditEntry]:
    return list(finance.get(f"{LOG}{query}").context["cl"].result_list)


def test_it_tells_of_a_change_in_words_dollars_and_dates(finance: Client, alice: Person) -> None:
    before = {"balance": Decimal(0), "referee_bonus": Decimal(0), "is_active": True}
    after = {"balance": Decimal(25), "referee_bonus": Decimal(10), "is_active": False}
    entry = record(alice, before=before, after=after | {"revoked_at": NOW})

    pages = [finance.get(page).content.decode() for page in (LOG, f"{LOG}{entry.pk}/change/")]

    for page in map(strip_tags, pages):
        assert "Deactivate" in page
        assert "Asked" in page
        assert "balance: $0.00 → $25.00" in page
        assert "friend&#x27;s bonus: $0.00 → $10.00" in page
        assert "works until: – → 22 Nov 2026, 12:00" in page
        assert "active: yes → no" in page


def test_it_can_be_looked_through_by_action_operator_and_day(
    finance: Client, alice: Person
) -> None:
    here = record(alice)
    there = record(alice, "reactivate", by=None, now=datetime(2026, 11, 1, 23, 59, tzinfo=UTC))

    page = finance.get(LOG).content.decode()

    chosen = [f'<option value="{name}"' in page for name in ("deactivate", "reactivate", "void")]
    assert chosen == [True, True, False]
    assert listed(finance, "?action=reactivate") == listed(finance, "?by=none") == [there]
    assert listed(finance, "?q=reactivate") == [there]
    assert listed(finance, f"?by={reviewer().pk}") == listed(finance, "?q=RITA") == [here]
    assert listed(finance, "?at_from=2026-11-01&at_to=2026-11-01") == [there]
    assert listed(finance, "?by=x") == listed(finance, "?by=999999") == []


@pytest.mark.parametrize("term", ["alice", "LICE@exam", "#{pk}", "in a foru", "A FORUM"])
def test_it_is_searched_by_person_and_by_reason(
    finance: Client, alice: Person, bob: Person, term: str
) -> None:
    record(bob)
    [key] = alice.user.api_keys.all()
    api_keys.revoke(key, by=reviewer(), reason="It was posted in a forum", now=NOW)

    found = listed(finance, f"?{urlencode({'q': term.format(pk=alice.user.pk)})}")

    assert [entry.action for entry in found] == ["revoke key"]


def test_the_history_of_what_nobody_touched_says_so_and_the_log_itself_has_none(
    finance: Client, alice: Person
) -> None:
    key = f"/admin/accounts/apikey/{alice.user.api_keys.get().pk}/"
    entry = f"{LOG}{record(alice).pk}/"

    pages = [finance.get(f"{row}change/").content.decode() for row in (key, entry)]
    history = finance.get(f"{key}history/", follow=True).content.decode()

    assert ["history/" in page for page in pages] == [True, False]
    assert "Nobody did anything to this" in history
