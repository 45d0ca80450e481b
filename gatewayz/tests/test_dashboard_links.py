"""Each number of the dashboard leads to a list that holds exactly the rows that it counts."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db.models import Model, QuerySet
from django.test import Client
from django.utils import timezone

from accounts.models import LedgerEntry, User
from accounts.money import dollars
from accounts.tests.factories import Person, give, operator
from gatewayz.operators.dashboard_charts import charts
from gatewayz.operators.dashboard_links import LISTS, link
from gatewayz.tests import busy_days
from payments.reports import daily
from payments.reports.daily import Day, Span
from payments.reports.totals import program_totals
from payments.tests.stripe_events import settle
from referrals.models import Referral

NOW = timezone.now()
PERIOD = 7
SPAN = Span(NOW.date(), NOW.date())


@pytest.fixture
def history(db: None) -> None:
    busy_days.go_by(NOW)


def overview(client: Client) -> dict[str, Any]:
    """Return what the dashboard shows, each by its title."""
    context = client.get(f"/admin/?days={PERIOD}").context
    return {each.title: each for part in ("figures", "funnel") for each in context[part]}


def opened(client: Client, address: str) -> QuerySet[Any]:
    """Return the rows of the list, on all of its pages."""
    page = client.get(address)
    assert page.status_code == 200, address
    rows: QuerySet[Any] = page.context["cl"].queryset
    return rows


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


FIGURES = {
    "Sign-ups": "7",
    "Sign-ups by a code": "4",
    "First qualifying purchases": "4",
    "Bonuses paid": "$80.00",
    "Bonuses taken back": "$40.00",
    "Refunds & disputes": "$20.00",
    "Refunds & disputes undone": "$20.00",
    "Credits outstanding": "$140.00",
    "Debts": "$8.00",
    "Bonuses paid in all": "$60.00",
    "Signed up by a code": "4",
    "Of these, bought": "3",
    "Of these, qualified": "2",
}


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("is_closed", [False, True])
def test_each_list_comes_to_its_figure(is_closed: bool) -> None:
    if is_closed:
        daily.close_days(now=NOW)
    client = operator()
    shown = overview(client)

    lists = {title: opened(client, shown[title].link) for title in FIGURES}

    assert {title: shown[title].value for title in FIGURES} == FIGURES
    assert {title: of_list(rows, FIGURES[title]) for title, rows in lists.items()} == FIGURES


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("title", "value", "number"),
    [("Conversion", "50.0 %", "2 of 4"), ("Time to first purchase", "0 min", "median of 3")],
)
def test_a_figure_that_is_no_count_says_of_how_many_it_is(
    title: str, value: str, number: str
) -> None:
    client = operator()
    figure = overview(client)[title]

    rows = opened(client, figure.link)

    assert (figure.value, figure.detail) == (value, f"{number} by a code")
    assert str(len(rows)) in number.split()


@pytest.mark.usefixtures("history")
def test_what_needs_someone_is_what_its_list_holds() -> None:
    client = operator()
    waiting = {each.title: each for each in client.get("/admin/").context["waiting"]}
    queue, _ = waiting.pop("held bonus"), waiting.pop("workers running: no periodic job runs")

    lists = {one: opened(client, each.link) for one, each in waiting.items()}

    assert len(waiting) == 6
    assert {one: len(rows) for one, rows in lists.items()} == dict.fromkeys(waiting, 1)
    assert {each.value for each in waiting.values()} == {"1"}
    assert (queue.value, len(client.get(queue.link).context["rows"])) == ("1", 1)


def _bars(days: list[Day]) -> Iterator[tuple[str, Day, float]]:
    """Give each bar of the charts: the address of its list, its day, and its height."""
    for chart in charts(days):
        sets = json.loads(chart["data"])["datasets"]
        for target, bars in zip(json.loads(chart["links"]), sets, strict=True):
            # Of the days without, which are most, one shows what all do.
            empty = next(day for day, height in zip(days, bars["data"], strict=True) if not height)
            for day, height in zip(days, bars["data"], strict=True):
                if not height and day is not empty:
                    continue
                yield target.replace("DAY", day.day.isoformat()), day, height


@pytest.mark.usefixtures("history")
def test_each_bar_of_the_charts_is_what_its_day_holds() -> None:
    client = operator()

    for target, day, height in _bars(list(program_totals(days=14, now=timezone.now()).now.days)):
        rows = opened(client, target)
        like = "$" if rows.model is LedgerEntry else ""
        shown = dollars(Decimal(height)) if like else f"{height}"
        assert of_list(rows, like) == shown.removeprefix("-"), (target, day)


@pytest.mark.usefixtures("history")
def test_the_filters_of_a_list_show_what_it_is_filtered_by() -> None:
    client = operator()

    for name, (_, filters, _) in LISTS.items():
        shown = client.get(link(name, SPAN)).context["cl"].filter_specs
        used = {key for spec in shown for key in spec.used_parameters}
        assert used >= set(parse_qs(filters)), name


def line_of(client: Client, address: str) -> str:
    """Return the line above a list, which leads to the whole of it."""
    page = client.get(address).content.decode()
    line = re.search(r'class="list-line">(.*?)</p>', page, re.DOTALL)
    assert line, address
    return " ".join(unescape(re.sub("<[^>]+>", " ", line[1])).split())


def test_a_list_says_what_a_link_of_ours_asked_for_as_of_one_persons_rows(
    alice: Person, bob: Person
) -> None:
    for person in (alice, bob):
        settle(person.user)
        give(person, "1")
    client = operator()

    for page in ("payments/payment", "accounts/apikey", "accounts/adjustment"):
        address = f"/admin/{page}/?user={bob.user.pk}"
        assert line_of(client, address) == "User bob Clear"
        assert [row.user for row in opened(client, address)] == [bob.user]

    of_one = "accounts/auditentry/?target_type=accounts.user&target_id=7"
    assert line_of(client, f"/admin/{of_one}") == "Target type accounts.user, target id 7 Clear"
    of_code = "accounts/user/?referred_by_code=ABC12345"
    assert line_of(client, f"/admin/{of_code}") == "Referred by code ABC12345 Clear"


@pytest.mark.usefixtures("history")
def test_the_rows_of_a_figure_can_be_searched_and_filtered_further() -> None:
    client = operator()
    address = overview(client)["Sign-ups by a code"].link

    found = opened(client, f"{address}&purchases=none_qualifying")
    searched = opened(client, f"{address}&q=idle")

    assert {user.username for user in found} == {"idle", "small"}
    assert [user.username for user in searched] == ["idle"]
    assert 'name="referred" value="yes"' in client.get(address).content.decode()
