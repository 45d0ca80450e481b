"""The list behind each figure of the overview holds exactly the rows that the figure counts."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db.models import Model, QuerySet
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import LedgerEntry, User
from accounts.money import dollars
from accounts.tests.factories import Person, give, operator
from gatewayz.operators import behind
from gatewayz.operators.dashboard_charts import charts
from gatewayz.tests import busy_days
from payments.behind import BEHIND, When
from payments.reports import daily
from payments.reports.daily import Day, Span
from payments.reports.totals import program_totals
from payments.tests.at_once import execute
from payments.tests.stripe_events import (
    settle,
)
from referrals.models import Referral

NOW = timezone.now()
PERIOD = 7


@pytest.fixture
def history(db: None) -> Iterator[None]:
    busy_days.go_by(NOW)
    yield
    execute("DELETE FROM procrastinate_jobs")  # No model of ours, so nobody empties it.


def overview(client: Client) -> dict[str, Any]:
    """Return what the overview shows, each by its title."""
    context = client.get(f"/admin/?days={PERIOD}").context
    return {each.title: each for part in ("figures", "funnel") for each in context[part]}


def opened(client: Client, link: str) -> Any:
    """Return the list, and the line above it."""
    page = client.get(link)
    assert page.status_code == 200, link
    line = re.search(r'class="list-line">(.*?)</p>', page.content.decode(), re.DOTALL)
    assert line, link
    return page.context["cl"], " ".join(unescape(re.sub("<[^>]+>", " ", line[1])).split())


WORTH: dict[type[Model], Callable[[Any], Decimal]] = {
    LedgerEntry: lambda entry: entry.amount,
    User: lambda user: user.credits,
    Referral: lambda referral: referral.bonus_amount + referral.referee_bonus_amount,
}


def of_list(rows: QuerySet[Any], like: str) -> str:
    """Return what the rows come to, written as the figure is."""
    if not like.startswith("$"):
        return f"{len(rows)}"
    return dollars(abs(sum(map(WORTH[rows.model], rows), Decimal(0))))


FIGURES = [
    ("Sign-ups", "7"),
    ("Sign-ups by a code", "4"),
    ("First qualifying purchases", "4"),
    ("Bonuses paid", "$80.00"),
    ("Bonuses taken back", "$40.00"),
    ("Refunds & disputes", "$20.00"),
    ("Refunds & disputes undone", "$20.00"),
    ("Credits outstanding", "$140.00"),
    ("Debts", "$8.00"),
    ("Bonuses paid in all", "$60.00"),
    ("Signed up by a code", "4"),
    ("Of these, bought", "3"),
    ("Of these, qualified", "2"),
]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("is_closed", [False, True])
def test_each_list_comes_to_its_figure_and_says_so(is_closed: bool) -> None:
    if is_closed:
        daily.close_days(now=NOW)
    client = operator()
    shown = overview(client)
    links = {title: shown[title].link for title, _ in FIGURES}

    lists = {title: opened(client, link) for title, link in links.items()}

    values = {
        title: str(getattr(shown[title], "value", "")) or f"{shown[title].count}" for title in links
    }
    assert values == dict(FIGURES)
    assert {
        title: of_list(rows.queryset, values[title]) for title, (rows, _) in lists.items()
    } == values
    for title, (_, line) in lists.items():
        assert f": {values[title]} –" in line, line


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("title", "number"), [("Conversion", "2 of 4"), ("Time to first purchase", "median of 3")]
)
def test_a_figure_that_is_no_count_says_of_how_many_it_is(title: str, number: str) -> None:
    client = operator()
    figure = overview(client)[title]

    rows, _ = opened(client, figure.link)

    assert figure.detail == f"{number} by a code"
    assert str(len(rows.queryset)) in number.split()


@pytest.mark.usefixtures("history")
def test_what_needs_someone_is_what_its_list_holds() -> None:
    client = operator()
    waiting = {each.one: each for each in client.get("/admin/").context["waiting"]}
    queue = waiting.pop("held bonus")

    lists = {one: opened(client, each.link)[0] for one, each in waiting.items()}

    assert len(waiting) == 6
    assert {one: len(rows.queryset) for one, rows in lists.items()} == dict.fromkeys(waiting, 1)
    assert queue.count == len(client.get(queue.link).context["rows"]) == 1


def _bars(days: list[Day]) -> Iterator[tuple[str, Day, float]]:
    """Give each bar of the charts: the name of its figure, its day, and its height."""
    for chart in charts(days):
        sets = json.loads(chart["data"])["datasets"]
        for link, bars in zip(json.loads(chart["links"]), sets, strict=True):
            name = parse_qs(urlsplit(link).query)["figure"][0]
            yield from ((name, *bar) for bar in zip(days, bars["data"], strict=True))


@pytest.mark.usefixtures("history")
def test_each_bar_of_the_charts_is_what_its_day_holds() -> None:
    now = timezone.now()

    for name, day, height in _bars(list(program_totals(days=14, now=now).now.days)):
        figure = BEHIND[name]
        rows = figure.model._default_manager.filter(figure.rows(When(Span(day.day, day.day), now)))
        like = "$" if figure.model is LedgerEntry else ""
        shown = dollars(Decimal(height)) if like else f"{height}"
        assert of_list(rows, like) == shown.removeprefix("-"), (name, day)


@pytest.mark.parametrize(
    "query",
    [
        "figure=nothing",
        "figure=money_back",
        "figure=signups&since=2026-02-30",
        "figure=signups&since=tomorrow",
        "figure=signups&since=0001-01-01",
        "figure=signups&until=9999-12-31",
        "figure=signups&since=2026-05-02&until=2026-05-01",
        "figure=%00",
    ],
)
def test_what_is_no_figure_of_a_list_leads_to_all_of_it(db: None, query: str) -> None:
    answer = operator().get(f"/admin/accounts/user/?{query}")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/accounts/user/?e=1")


def test_the_line_leads_to_the_whole_list(alice: Person) -> None:
    client = operator()
    page = client.get(behind.link("outstanding")).content.decode()

    assert 'class="list-line"' in page
    assert '<a class="desk-link" href="/admin/accounts/user/">Clear</a>' in page
    assert "list-line" not in client.get("/admin/accounts/user/").content.decode()


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("accounts/user/?referred_by_code=ABC12345", "Referred by code ABC12345"),
        (
            "accounts/auditentry/?target_type=accounts.user&target_id=7",
            "Target type accounts.user, target id 7",
        ),
    ],
)
def test_a_list_says_what_else_a_link_of_ours_asked_for(db: None, link: str, words: str) -> None:
    _, line = opened(operator(), f"/admin/{link}")

    assert line == f"{words} Clear"


@pytest.mark.parametrize("page", ["payments/payment", "accounts/apikey", "accounts/adjustment"])
def test_a_list_of_one_persons_rows_says_whose_they_are(
    alice: Person, bob: Person, page: str
) -> None:
    for person in (alice, bob):
        settle(person.user)
        give(person, "1")

    rows, line = opened(operator(), f"/admin/{page}/?user={bob.user.pk}")

    assert (line, [row.user for row in rows.result_list]) == ("User bob Clear", [bob.user])


@pytest.mark.usefixtures("history")
def test_the_rows_of_a_figure_can_be_searched_and_filtered_further() -> None:
    client = operator()
    link = overview(client)["Sign-ups by a code"].link

    found, _ = opened(client, f"{link}&has_made_first_purchase__exact=0")
    searched, _ = opened(client, f"{link}&q=idle")

    assert {user.username for user in found.queryset} == {"idle", "small"}
    assert [user.username for user in searched.queryset] == ["idle"]
    assert f'name="figure" value="{found.params["figure"]}"' in client.get(link).content.decode()


@pytest.mark.usefixtures("history")
def test_the_line_costs_three_queries_at_most(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """What is kept, what is not, and who is in debt; a count of few; never one of a table."""
    daily.close_days(now=NOW)
    days = {"since": f"{NOW.date() - daily.DAY}", "until": f"{NOW.date()}"}

    for name, figure in BEHIND.items():
        asked = behind.asked({"figure": name, **days}, figure.model, now=timezone.now())
        assert asked
        with django_assert_max_num_queries(3):
            asked.value()
