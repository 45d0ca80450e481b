"""A view is counted when a caller without a key validates a valid code."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tests.factories import Person
from payments.tests.at_once import another_transaction, execute
from payments.tests.stripe_events import refer
from referrals import invite_views
from referrals.models import InviteView


def ask(code: str, client: Any = None) -> Any:
    body = {"referral_code": code}
    return (client or APIClient()).post("/referral/validate", body, format="json").json()


def test_each_view_of_a_valid_code_by_a_stranger_is_counted_while_it_has_uses(
    alice: Person, charlie: Person
) -> None:
    for _ in range(3):
        ask(alice.code)
    ask(alice.code, charlie.api)
    ask("NOSUCH00")
    refer(alice, 10)
    ask(alice.code)

    seen = InviteView.objects.get()
    assert (seen.user, seen.views) == (alice.user, 3)


@pytest.mark.django_db(transaction=True)
def test_a_read_only_database_answers_and_counts_nothing(alice: Person) -> None:
    execute("SET default_transaction_read_only = on")
    try:
        answer = ask(alice.code)
    finally:
        execute("SET default_transaction_read_only = off")

    assert answer["valid"]
    assert not InviteView.objects.exists()


def test_each_day_in_utc_is_counted_by_itself(alice: Person) -> None:
    for moment in ("2026-05-01 23:59:59Z", "2026-05-02 00:00:00Z"):
        with time_machine.travel(moment, tick=False):
            ask(alice.code)

    days = InviteView.objects.order_by("day").values_list("day", "views")
    assert [(day.day, count) for day, count in days] == [(1, 1), (2, 1)]


@pytest.mark.django_db(transaction=True)
def test_a_view_does_not_wait_for_the_account_lock(alice: Person) -> None:
    with another_transaction("SELECT 1 FROM users WHERE id = %s FOR UPDATE", alice.user.pk):
        invite_views.find_and_count(alice.code, now=timezone.now())

    assert InviteView.objects.get().day == datetime.now(UTC).date()
