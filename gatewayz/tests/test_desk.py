"""The operators' desk: no table is counted, and scripts run on its pages alone."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from accounts.models import User
from accounts.tests.factories import colleague, operator, register
from gatewayz.adminbase.changelist import MOST_COUNTED
from payments.models import DailyTotals

USERS = "/admin/accounts/user/"


@pytest.fixture
def office(db: None) -> Client:
    return operator()


@pytest.fixture
def three_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(admin.site._registry[User]), "list_per_page", 3)


def names(response: Any) -> list[str]:
    return [user.username for user in response.context["cl"].result_list]


def policy(response: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: values for name, _, values in parts}


# The month is no list: it counts the debts, by their index.
LISTS = [
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for model in admin.site._registry
    if model is not DailyTotals
]


@pytest.mark.parametrize("asked", ["", "?q=alice", "?p=2", "?_facets=True"])
def test_no_list_counts_its_table(
    office: Client, asked: str, django_assert_max_num_queries: Any
) -> None:
    for path in LISTS:
        with django_assert_max_num_queries(12) as queries:
            response = office.get(path + asked)

        assert response.status_code == 200, path
        ran = [each["sql"] for each in queries.captured_queries]
        counts = [sql for sql in ran if "COUNT(" in sql.upper()]
        # What is filtered is counted up to a bound.
        assert all(f"LIMIT {MOST_COUNTED})" in sql for sql in counts)
        assert asked.startswith("?q") or not counts


@pytest.mark.usefixtures("three_a_page")
def test_one_steps_through_a_list(office: Client) -> None:
    for name in ("alice", "bob", "charlie", "dora", "erin"):
        register(name)

    first, second = office.get(USERS), office.get(f"{USERS}?p=2")

    assert [names(first), names(second)] == [
        ["erin", "dora", "charlie"],
        ["bob", "alice", "olivia"],
    ]
    assert ["Next →" in page.content.decode() for page in (first, second)] == [True, False]
    assert ["← Back" in page.content.decode() for page in (first, second)] == [False, True]


def test_a_list_is_sorted_only_by_what_is_offered_and_has_no_page_that_cannot_be(
    office: Client,
) -> None:
    for column in range(8):
        shown = office.get(USERS, {"o": str(column)}).context["cl"]
        is_offered = shown.list_display[column] in shown.sortable_by
        assert (shown.queryset.query.order_by[0] != "-pk") is is_offered, column

    for page in ("101", "0", "-1", "one", "9" * 30):
        assert office.get(USERS, {"p": page}, follow=True).status_code == 200, page


def test_the_desk_alone_may_evaluate_its_own_expressions(office: Client) -> None:
    for path in ("/admin/", "/admin/login/", USERS, "/admin/password_change/"):
        found = policy(Client().get(path) if "login" in path else office.get(path))
        assert (found["script-src"], found["default-src"]) == ("'self' 'unsafe-eval'", "'self'")

    for path in ("/", "/api/docs", "/payment/success", "/nothing"):
        assert "unsafe-eval" not in Client().get(path)["Content-Security-Policy"], path


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("auth/group/", 403, "Ask somebody whose account may"),
        ("no/", 404, "nothing at this address"),
    ],
)
def test_who_goes_astray_at_the_desk_is_told_so_and_keeps_its_menu(
    db: None, path: str, status: int, words: str
) -> None:
    page = colleague("Support").get(f"/admin/{path}")

    assert page.status_code == status
    for shown in (words, 'href="/admin/"', 'id="nav-sidebar"'):
        assert shown in page.content.decode()
    assert policy(page)["script-src"] == "'self' 'unsafe-eval'"
    assert 'id="nav-sidebar"' not in Client().get("/nothing/").content.decode()


def test_colleagues_are_listed_apart_from_customers_and_nobody_is_said(office: Client) -> None:
    customer = register("charlie").user

    def listed(query: str) -> set[str]:
        return {user.username for user in office.get(USERS + query).context["cl"].result_list}

    assert listed("") == {customer.username}
    assert listed("?is_staff__exact=1") == {"olivia"}
    assert listed("?q=olivia") == {"olivia"}
    assert f'href="{USERS}?is_staff__exact=1"' in office.get("/admin/").content.decode()
    nobody = office.get(USERS, {"q": "nobody-at-all"}).content.decode()
    assert "Nothing is found for “nobody-at-all”" in nobody
