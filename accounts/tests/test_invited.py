"""Of a code's people one sees who signed up, and what each lacks."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.tests.stripe_events import refer, settle
from referrals.models import Program

PEOPLE = "/admin/accounts/user/"


def lacking(office: Client, inviter: Person) -> dict[str, str]:
    changes = office.get(PEOPLE, {"referred_by_code": inviter.code}).context["cl"]
    return {user.username: changes.model_admin.lacks(user) for user in changes.result_list}


def test_each_lacks_something_else(office: Client, alice: Person) -> None:
    for name in ("idle", "small", "gone", "paid"):
        person = register(name, code=alice.code)
        if name in ("small", "paid"):
            settle(person.user, 500 if name == "small" else 1000)
    User.objects.filter(username="gone").update(is_active=False)

    assert lacking(office, alice) == {
        "idle": "Has not bought: $10.00 or more is needed",
        "small": "Paid $5.00 at most: $10.00 is needed",
        "gone": "The account is deactivated",
        "paid": "Has bought, and both sides have their bonus.",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_active": False}, "The inviter's account is deactivated"),
        ({}, "Code used up: a purchase earns no bonus"),
    ],
)
def test_what_lacks_may_be_the_inviters(
    office: Client, alice: Person, change: dict[str, bool], words: str
) -> None:
    register("late", code=alice.code)
    refer(alice, Program.objects.get().max_uses)
    if change:
        alice.change(**change)

    assert lacking(office, alice)["late"] == words


def test_it_costs_as_many_queries_as_the_list(
    office: Client, alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    refer(alice, 5)

    with django_assert_max_num_queries(8):
        office.get(PEOPLE, {"referred_by_code": alice.code})
