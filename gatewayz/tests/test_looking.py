"""Whatever the admin shows is only looked at: what was paid, promised or recorded stays."""

from itertools import product

import pytest
from django.db.models import Model
from django.test import Client

from accounts.models import Adjustment, ApiKey, AuditEntry, LedgerEntry, User
from accounts.tests.factories import Person, give, operator
from accounts.tests.test_adjustments import approve, ask
from payments.models import Clawback, Payment, StripeEvent
from payments.tests.stripe_events import deliver, refund, settle
from referrals.models import Program, Referral

READ_ONLY: list[type[Model]] = [
    *(ApiKey, LedgerEntry, Adjustment, AuditEntry),
    *(Payment, Clawback, StripeEvent, Program, Referral),
]
SENT = {
    "amount": "1",
    "balance_after": "999.00",
    "status": "voided",
    "reason": "Other",
    "bonus_amount": "999.00",
    "referrer_bonus": "999.00",
    "name": "Mine",
    "post": "yes",
}


@pytest.fixture
def office(bob: Person) -> Client:
    """The browser of a superuser, with one row at least of everything."""
    give(bob, "5.00")
    approve(ask(bob, "250.00"))
    deliver(refund(settle(bob.user), 300))
    return operator()


def address(row: Model, page: str = "{pk}/change/") -> str:
    """Return the address of a page of the row's model."""
    meta = row._meta
    return f"/admin/{meta.app_label}/{meta.model_name}/{page.format(pk=row.pk)}"


@pytest.mark.parametrize(
    ("model", "field"),
    [
        *((User, "username"), (ApiKey, "user"), (LedgerEntry, "idempotency_key")),
        *((Payment, "session_id"), (StripeEvent, "event_id"), (Referral, "referrer")),
    ],
)
def test_it_finds(office: Client, model: type[Model], field: str) -> None:
    row = model._default_manager.latest("pk")

    response = office.get(address(row, ""), {"q": str(getattr(row, field))})

    assert response.context["cl"].result_list == [row]


@pytest.mark.parametrize(
    ("model", "page"),
    [*product(READ_ONLY, ["add/", "{pk}/change/", "{pk}/delete/"]), (User, "{pk}/delete/")],
)
def test_not_even_a_superuser_adds_changes_or_deletes(
    office: Client, model: type[Model], page: str
) -> None:
    if page == "add/" and model in (Adjustment, Program):
        return  # Both are added by forms of their own, which have their own tests.
    row = model._default_manager.latest("pk")
    kept = list(model._default_manager.order_by("pk").values())

    response = office.post(address(row, page), SENT)

    assert response.status_code == 403
    assert list(model._default_manager.order_by("pk").values()) == kept
