"""The audit log is read by people: in words, by what was done, by whom and when."""

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts import api_keys
from accounts.models import AuditEntry
from accounts.tests.factories import Person, reviewer
from accounts.tests.test_audit import NOW, record

LOG = "/admin/accounts/auditentry/"


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
