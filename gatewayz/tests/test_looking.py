"""Whatever the admin shows is only looked at: what was paid, promised or recorded stays."""

import pytest
from django.db.models import Model
from django.test import Client

from accounts.models import Adjustment, ApiKey, AuditEntry, LedgerEntry, User
from accounts.tests.factories import operator
from payments.models import Clawback, Payment, StripeEvent
from referrals.models import Program, Referral

READ_ONLY: list[type[Model]] = [
    *(ApiKey, LedgerEntry, Adjustment, AuditEntry),
    *(Payment, Clawback, StripeEvent, Program, Referral),
]
# What is added or changed by a form, which has its own tests.
FORMS_OF_THEIR_OWN: dict[type[Model], set[str]] = {
    Adjustment: {"add/"},
    Program: {"add/"},
    User: {"add/", "{pk}/change/"},
}
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
def office(one_of_everything: None) -> Client:
    """The browser of a superuser."""
    return operator()


def address(row: Model, page: str = "{pk}/change/") -> str:
    """Return the address of a page of the row's model."""
    meta = row._meta
    return f"/admin/{meta.app_label}/{meta.model_name}/{page.format(pk=row.pk)}"


FOUND_BY: dict[type[Model], str] = {
    User: "username",
    ApiKey: "user",
    LedgerEntry: "idempotency_key",
    Payment: "session_id",
    StripeEvent: "event_id",
    Referral: "referred_user",
}


def test_it_finds(office: Client) -> None:
    for model, field in FOUND_BY.items():
        row = model._default_manager.latest("pk")

        response = office.get(address(row, ""), {"q": str(getattr(row, field))})

        assert response.context["cl"].result_list == [row]


def test_not_even_a_superuser_adds_changes_or_deletes(office: Client) -> None:
    models: list[type[Model]] = [*READ_ONLY, User]
    for model in models:
        pages = {"add/", "{pk}/change/", "{pk}/delete/"} - FORMS_OF_THEIR_OWN.get(model, set())
        row = model._default_manager.latest("pk")
        kept = list(model._default_manager.order_by("pk").values())

        answers = {page: office.post(address(row, page), SENT).status_code for page in pages}

        assert answers == dict.fromkeys(pages, 403), model
        assert list(model._default_manager.order_by("pk").values()) == kept, model
