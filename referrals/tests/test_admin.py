"""Operators look at referrals and add terms; what was paid or promised is not rewritten."""

from decimal import Decimal

import pytest
from django.test import Client

from accounts.tests.factories import Person, operator
from payments.tests.stripe_events import refer
from referrals.models import Program, Referral


@pytest.fixture
def office(alice: Person) -> Client:
    refer(alice)
    return operator()


@pytest.mark.parametrize("model", [Program, Referral])
def test_it_lists_and_shows(office: Client, model: type[Program | Referral]) -> None:
    path = f"/admin/referrals/{model._meta.model_name}/"
    row = model._default_manager.get()

    answers = [office.get(path), office.get(f"{path}{row.pk}/change/")]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_referral_is_found_by_the_people_in_it(office: Client) -> None:
    response = office.get("/admin/referrals/referral/", {"q": "alice"})

    assert response.context["cl"].result_count == 1


@pytest.mark.parametrize("page", ["add/", "{pk}/change/", "{pk}/delete/"])
def test_a_referral_is_only_for_looking_at(office: Client, page: str) -> None:
    path = f"/admin/referrals/referral/{page.format(pk=Referral.objects.get().pk)}"

    response = office.post(path, {"bonus_amount": "999.00", "status": "voided", "post": "yes"})

    assert response.status_code == 403
    assert Referral.objects.get().status == "completed"


@pytest.mark.parametrize("page", ["change", "delete"])
def test_terms_that_held_are_not_rewritten(office: Client, page: str) -> None:
    path = f"/admin/referrals/program/{Program.objects.get().pk}/{page}/"

    response = office.post(path, {"referrer_bonus": "999.00", "post": "yes"})

    assert response.status_code == 403
    assert Program.objects.get().referrer_bonus == 10


def add_terms(office: Client, **changes: str) -> None:
    terms = {
        "starts_at_0": "2030-01-01",
        "starts_at_1": "00:00:00",
        "referrer_bonus": "15.00",
        "referee_bonus": "5.00",
        "minimum_purchase": "20.00",
        "max_uses": "25",
        "code_length": "8",
    }
    office.post("/admin/referrals/program/add/", terms | changes)


def test_new_terms_are_added_with_the_day_on_which_they_start(office: Client) -> None:
    add_terms(office)

    terms = Program.objects.latest("starts_at")
    assert (terms.starts_at.year, terms.max_uses) == (2030, 25)
    assert terms.referrer_bonus == Decimal("15.00")


@pytest.mark.parametrize(
    ("field", "value"),
    [("referrer_bonus", "0"), ("referee_bonus", "NaN"), ("max_uses", "0"), ("code_length", "5")],
)
def test_terms_that_mean_nothing_are_not_added(office: Client, field: str, value: str) -> None:
    add_terms(office, **{field: value})

    assert Program.objects.count() == 1
