"""The leaderboard's page: periods, ranks, search, a new count, and files of what is filtered."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry
from accounts.tests.factories import Person, operator, register
from gatewayz.tests.list_actions import text
from gatewayz.tests.test_list_exports import export
from payments.reports import leaderboard
from payments.tests.stripe_events import refer, settle
from referrals.models import LeaderboardEntry

PATH = "/admin/referrals/leaderboardentry/"
AS_CSV, AS_XLSX = ({"format": name, "reason": "The newsletter"} for name in ("csv", "xlsx"))


@pytest.fixture
def counted(alice: Person, charlie: Person) -> None:
    """Charlie referred two; Alice referred one 40 days ago, who buys a lot now."""
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        [friend] = refer(alice, 1)
    refer(charlie, 2)
    settle(friend.user, 90000)
    leaderboard.refresh(now=timezone.now())


def names(query: str = "") -> list[str]:
    page: Any = operator().get(f"{PATH}{query}")
    return [row.user.username for row in page.context["cl"].result_list]


SHOWN = {
    "": ["charlie", "alice"],
    "?period=30d": ["charlie", "alice"],
    "?o=1": ["charlie", "alice"],
    "?o=3": ["alice", "charlie"],
    "?o=2": ["charlie", "alice"],
    "?o=-1": ["alice", "charlie"],
    "?q=CHARLIE@example.com": ["charlie"],
    "?q=nobody": [],
    "?code=spent": [],
    "?code=open": ["charlie", "alice"],
}


@pytest.mark.usefixtures("counted")
def test_it_shows_who_is_asked_for(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    assert {query: names(query) for query in SHOWN} == SHOWN
    client = operator()
    with django_assert_max_num_queries(9):
        client.get(PATH)


@pytest.mark.usefixtures("counted")
def test_it_finds_people_by_a_beginning_or_the_code_in_any_case(alice: Person) -> None:
    alice.change(username="Alice", referral_code="SILK1234")

    for query in ("ali", "ALI", "Alice", "alice@ex", "silk1234"):
        assert names(f"?q={query}") == ["Alice"], query


@pytest.mark.usefixtures("counted")
def test_a_row_is_of_one_meaning_though_its_friends_are_of_two_times(alice: Person) -> None:
    """Alice's friend of 40 days ago bought lately: a referral of the period, and no sign-up."""
    register("dave", code=register("erin").code)
    leaderboard.refresh(now=timezone.now())
    LeaderboardEntry.objects.filter(user=alice.user, period="30d").update(signups=3, qualified=1)

    page = text(operator().get(f"{PATH}?period=30d"))

    assert "1 of 3 sign-ups, 33.3 %" in page
    assert "2 of 2 sign-ups, 100.0 %" in page
    assert "of those who signed up by the code in the period" in page
    # Erin brought nothing yet, and has no rank.
    assert "0 of 1 sign-up, 0.0 %" in page
    assert "#2" in page
    assert "#3" not in page


@pytest.mark.usefixtures("counted")
def test_a_filter_that_is_none_shows_and_exports_nothing_else() -> None:
    client = operator()

    for query in ("?period=month", "?days=7", "?code=half", "?period="):
        page, file = client.get(f"{PATH}{query}"), client.post(f"{PATH}export/{query}", AS_CSV)
        assert (page.status_code, page.headers["Location"]) == (302, f"{PATH}?e=1"), query
        assert file.status_code == 400, query
    assert not AuditEntry.objects.exists()


def test_it_is_counted_at_the_first_look(alice: Person) -> None:
    empty = operator().get(PATH).content.decode()
    refer(alice, 1)

    assert "Nobody has referred anybody yet" in empty
    assert names() == ["alice"]


@pytest.mark.usefixtures("counted")
def test_a_file_holds_what_is_filtered_and_is_recorded() -> None:
    client = operator()

    [row] = export(client, PATH, query="?q=charlie&period=30d")
    entry = AuditEntry.objects.get(action="export leaderboard")
    first, second = export(client, PATH, "xlsx")

    assert (row["username"], row["referrals"], row["earned"]) == ("charlie", "2", "20.00")
    assert row["period"] == "30d"
    assert (str(entry.by), entry.after["rows"]) == ("olivia", 1)
    assert (first["earned"], second["username"]) == (20, "alice")


@pytest.mark.usefixtures("counted")
def test_nothing_is_exported_without_a_reason_in_another_format_or_beyond_what_a_file_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = operator()
    for wrong in ({"reason": ""}, {"format": "pdf"}, {"format": ""}):
        answer = client.post(f"{PATH}export/", AS_CSV | wrong)
        assert answer.context["form"].errors.keys() == wrong.keys()

    monkeypatch.setattr("gatewayz.adminbase.exports.MOST_XLSX_ROWS", 1)
    page = client.post(f"{PATH}export/", AS_XLSX, follow=True)

    assert "more than 1 rows; choose CSV, or set filters that leave fewer" in page.content.decode()
    assert not AuditEntry.objects.exists()
