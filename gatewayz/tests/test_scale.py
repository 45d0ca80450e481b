"""`./dev bench --scale` leaves nothing out: no endpoint, no list, no filter, no sort."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from gatewayz.benchmarks import HOST, SECRET, admin_pages, loader, scale
from gatewayz.benchmarks.endpoints import CALLER, PREPARED, TOKEN, makers, routes, stripe_at_once
from gatewayz.benchmarks.loader import Size


def test_nothing_is_prepared_for_an_endpoint_that_is_gone() -> None:
    assert set(PREPARED) <= set(routes())


@pytest.mark.django_db(transaction=True)
@pytest.mark.ci
def test_every_endpoint_answers(settings: Any, owner: None) -> None:
    settings.ALLOWED_HOSTS = [HOST]
    settings.METRICS_TOKEN = TOKEN
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    loader.load(Size(people=40, purchases_each=3, referrers=2))
    loader.add_keys(CALLER, CALLER)

    with stripe_at_once():
        for _, make in makers():
            for n in range(2):
                make(n).send(Client())


def test_every_list_every_choice_of_every_filter_and_every_sort_is_measured(db: None) -> None:
    operator = User.objects.create_superuser("boss", "boss@example.com")
    measured = {page for _, page in admin_pages.lists(operator)}
    people = "/admin/accounts/user/"

    assert {page.partition("?")[0] for page in measured} == {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }
    assert {
        f"{people}?referred=yes",
        f"{people}?balance=debt",
        f"{people}?is_staff__exact=1",
        f"{people}?o=0",
        f"{people}?o=-0",
        f"{people}?q=person77",
        "/admin/payments/payment/?bonus_decision=cap_reached",
        "/admin/payments/clawback/?status__exact=won",
    } <= measured


def test_a_page_that_is_slow_or_grows_misses_the_goal() -> None:
    slow = scale.Timed("slow", True, {10_000: 90.0, 1_000_000: 101.0}, {10_000: 50, 1_000_000: 50})
    grows = scale.Timed("grows", True, {10_000: 20.0, 1_000_000: 31.0}, {10_000: 50, 1_000_000: 50})
    fuller = scale.Timed(
        "fuller", True, {10_000: 20.0, 1_000_000: 40.0}, {10_000: 9, 1_000_000: 50}
    )
    report = scale.Timed("report", False, {10_000: 1.0, 1_000_000: 900.0}, {})

    assert [each.misses for each in (slow, grows, fuller, report)] == [True, True, False, False]
