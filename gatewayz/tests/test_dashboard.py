"""The front page shows the figures, each with a link to a list that opens."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.tests.factories import (
    Person,
    StaffFactory,
    colleague,
    logged_in,
    operator,
    register,
)
from gatewayz.operators import dashboard
from gatewayz.tests.list_actions import text
from payments.models import LedgerCheck
from payments.reports import daily
from payments.tests.at_once import execute
from payments.tests.stripe_events import refer
from referrals.tests.factories import ProgramFactory


def shown(query: str = "", client: Client | None = None) -> str:
    return text((client or operator()).get(f"/admin/{query}"))


def figure(page: str, title: str) -> str:
    """Return the value that stands under a title."""
    found = re.search(rf"{title}</span> <strong class=\"front-value\">(.*?)</strong>", page)
    assert found, title
    return found[1]


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (0, 0, ""),
        (0, 5, "new"),
        (4, 5, "+25 %"),
        (5, 4, "−20 %"),
        (5, 5, "±0 %"),
        (1, 11, "+1000 %"),
        (10, 4000, "×400"),
        (5, 0, "−100 %"),
    ],
)
def test_a_change_reads_as_people_say_it(before: int, now: int, change: str) -> None:
    assert dashboard.change(now, before) == change


@pytest.mark.usefixtures("one_of_everything")
def test_it_says_what_needs_someone() -> None:
    page = shown()

    assert "<b>1</b> quarantined event<" in page
    assert "<b>1</b> held bonus<" in page
    assert "every invariant holds" in page
    assert "failed event" not in page
    LedgerCheck.objects.create(checked_at=timezone.now(), breaches=3)
    assert "<b>3</b> breaches of the ledger" in shown()


@pytest.mark.parametrize(("budget", "is_ending"), [("20.00", True), ("100000.00", False)])
def test_it_says_that_the_budget_ends(alice: Person, budget: str, is_ending: bool) -> None:
    ProgramFactory.create(budget=Decimal(budget))
    refer(alice)

    assert ("<b>1</b> budget that is spent, or soon will be" in shown()) is is_ending


def test_the_period_can_be_chosen_and_any_other_is_thirty_days(alice: Person) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=10)):
        register("dave", code=alice.code)

    client = operator()
    pages = [shown(f"?days={days}", client) for days in (7, 30)]

    assert [figure(page, "Sign-ups by a code") for page in pages] == ["0", "1"]
    for days in ("8", "", "x", "%00"):
        assert 'href="?days=30" aria-current="page"' in shown(f"?days={days}", client), days


def test_it_reads_well_when_there_is_nothing(db: None) -> None:
    execute("SELECT procrastinate_register_worker_v1()")

    page = shown()

    assert "Nothing waits for anybody." in page
    assert "The ledger was not checked yet." in page
    assert figure(page, "Conversion") == figure(page, "Time to first purchase") == "–"


@pytest.mark.usefixtures("one_of_everything")
def test_who_may_only_see_figures_is_given_no_links_to_follow() -> None:
    clerk = StaffFactory.create()
    grants = ("view_dailytotals", "view_user")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=grants))
    client = logged_in(clerk)

    context = client.get("/admin/").context

    shown = [each for part in ("figures", "funnel", "waiting") for each in context[part]]
    links = {each.title: each.link for each in context["figures"]}
    assert links["Sign-ups"]
    assert not links["Bonuses paid"]
    assert {client.get(each.link).status_code for each in shown if each.link} == {200}


def test_both_groups_see_it_and_staff_without_permission_do_not(db: None) -> None:
    for group in ("Support", "Finance"):
        assert figure(shown(client=colleague(group)), "Sign-ups")
    assert "front-value" not in shown(client=logged_in(StaffFactory.create()))


@pytest.mark.usefixtures("one_of_everything")
def test_it_costs_eleven_queries_at_most(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """Five of them say who asks; the figures take six, however long the history is."""
    client = operator()
    daily.close_days(now=timezone.now() + timedelta(days=2))

    with django_assert_max_num_queries(11):
        client.get("/admin/")
