"""Operators look at payments and at what Stripe sent; neither is theirs to change."""

import pytest
from django.test import Client

from accounts.tests.factories import Person, operator
from payments.models import Payment, StripeEvent
from payments.tests.stripe_events import deliver, event, pending_payment, settle


@pytest.fixture
def office(bob: Person) -> Client:
    settle(bob.user)
    return operator()


@pytest.mark.parametrize("model", [Payment, StripeEvent])
def test_it_lists_and_shows(office: Client, model: type[Payment | StripeEvent]) -> None:
    path = f"/admin/payments/{model._meta.model_name}/"
    row = model._default_manager.get()

    answers = [office.get(path), office.get(f"{path}{row.pk}/change/")]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(("model", "field"), [(Payment, "session_id"), (StripeEvent, "event_id")])
def test_it_finds_by_stripes_ids(
    office: Client, model: type[Payment | StripeEvent], field: str
) -> None:
    sought = getattr(model._default_manager.get(), field)

    response = office.get(f"/admin/payments/{model._meta.model_name}/", {"q": sought})

    assert response.context["cl"].result_count == 1


@pytest.mark.parametrize("page", ["add/", "{pk}/change/", "{pk}/delete/"])
@pytest.mark.parametrize("model", [Payment, StripeEvent])
def test_it_is_only_for_looking_at(
    office: Client, model: type[Payment | StripeEvent], page: str
) -> None:
    path = f"/admin/payments/{model._meta.model_name}/{page}"
    row = model._default_manager.get()

    response = office.post(path.format(pk=row.pk), {"amount": "1", "status": "x", "post": "yes"})

    assert response.status_code == 403
    assert (Payment.objects.get().amount, Payment.objects.get().status) == (1000, "paid")


@pytest.mark.parametrize("odd", ["\x00", float("nan"), "\ud800", "<script>"], ids=ascii)
def test_an_event_shows_what_stripe_wrote(office: Client, bob: Person, odd: object) -> None:
    deliver(event(pending_payment(bob.user), description=odd))
    kept = StripeEvent.objects.latest("pk")

    page = office.get(f"/admin/payments/stripeevent/{kept.pk}/change/")

    assert page.status_code == 200
    assert "pi_cs_test_" in page.content.decode()
    assert "<script>&" not in page.content.decode()
