"""Operators look at payments, events, referrals and terms; what was paid or promised stays."""

import pytest
from django.test import Client

from accounts.tests.factories import Person, operator
from payments.models import Payment, StripeEvent
from payments.tests.stripe_events import deliver, event, pending_payment, refer
from referrals.models import Program, Referral

Record = Payment | StripeEvent | Program | Referral


@pytest.fixture
def office(alice: Person) -> Client:
    """The desk, with a friend of Alice's who has bought."""
    refer(alice)
    return operator()


def address(row: Record, page: str = "{pk}/change/") -> str:
    """Return the address of a page of the row's model."""
    meta = row._meta
    return f"/admin/{meta.app_label}/{meta.model_name}/{page.format(pk=row.pk)}"


@pytest.mark.parametrize("model", [Payment, StripeEvent, Program, Referral])
def test_it_lists_and_shows(office: Client, model: type[Record]) -> None:
    row = model._default_manager.get()

    answers = [office.get(address(row, page)) for page in ("", "{pk}/change/")]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    ("model", "field"),
    [(Payment, "session_id"), (StripeEvent, "event_id"), (Referral, "referrer")],
)
def test_it_finds(office: Client, model: type[Record], field: str) -> None:
    row = model._default_manager.get()

    response = office.get(address(row, ""), {"q": str(getattr(row, field))})

    assert response.context["cl"].result_count == 1


@pytest.mark.parametrize("page", ["add/", "{pk}/change/", "{pk}/delete/"])
@pytest.mark.parametrize("model", [Payment, StripeEvent, Referral])
def test_it_is_only_for_looking_at(office: Client, model: type[Record], page: str) -> None:
    row = model._default_manager.get()
    kept = model._default_manager.values().get()

    wishes = {"amount": "1", "bonus_amount": "999.00", "status": "voided", "post": "yes"}
    response = office.post(address(row, page), wishes)

    assert response.status_code == 403
    assert model._default_manager.values().get() == kept


@pytest.mark.parametrize("odd", ["\x00", float("nan"), "\ud800", "<script>"], ids=ascii)
def test_an_event_shows_what_stripe_wrote(office: Client, bob: Person, odd: object) -> None:
    deliver(event(pending_payment(bob.user), description=odd))
    kept = StripeEvent.objects.latest("pk")

    page = office.get(address(kept))

    assert page.status_code == 200
    assert "pi_cs_test_" in page.content.decode()
    assert "<script>&" not in page.content.decode()
