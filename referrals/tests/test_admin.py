"""Operators look at referrals and add terms; what was paid or promised is not rewritten."""

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
