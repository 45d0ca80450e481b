"""The payment endpoints refuse invalid purchases, and show callers only their own."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey
from accounts.tests.factories import Person
from payments.models import Payment
from payments.sandbox.models import CheckoutSession
from payments.tests.stripe_events import deliver, event, pending_payment, settle
from payments.tests.test_checkout import PATH, ask


@pytest.fixture
def on_gatewayz(settings: Any) -> None:
    settings.FRONTEND_URL = "https://app.gatewayz.ai"
    settings.ALLOWED_HOSTS = ["api.gatewayz.ai", "testserver", "127.0.0.1"]


@pytest.mark.parametrize("cents", [50, 1000, 99_999_999])
def test_any_other_amount_is_asked_of_stripe(bob: Person, sandbox: str, cents: int) -> None:
    answer = ask(bob, amount=cents, currency="USD").json()

    assert (answer["amount"], answer["currency"]) == (cents, "usd")
    assert CheckoutSession.objects.get(stripe_id=answer["session_id"]).amount_total == cents


def test_user_and_amount_in_a_request_have_no_effect(
    alice: Person, charlie: Person, sandbox: str
) -> None:
    ask(
        charlie,
        metadata={"user_id": str(alice.user.pk), "credits": "1000"},
        credit_value=1_000_000,
        credits=1_000_000,
        user_id=alice.user.pk,
        user=alice.user.pk,
        status="paid",
        payment_status="paid",
        session_id="cs_test_mine",
        paid_at="2026-01-01T00:00:00Z",
    )
    payment = Payment.objects.get()
    assert (payment.user, payment.amount, payment.status) == (charlie.user, 1000, "pending")

    deliver(event(payment))

    assert (alice.balance(), charlie.balance()) == ("0.00", "10.00")


AMOUNTS: list[Any] = [
    *(10.0, 10.5, True, False, "1000", "", None, [1000], {"$gt": 0}),
    *(-1, -1000, 0, 2**31, 2**63, 2**64, 100_000_000),
]
ADDRESSES: list[Any] = [
    "javascript:alert(1)",
    "JavaScript://app.gatewayz.ai/%0aalert(1)",
    "data:text/html,hello",
    "ftp://app.gatewayz.ai/",
    "//app.gatewayz.ai/",
    "/payment/success",
    "app.gatewayz.ai",
    "https://",
    "https:///evil.example",
    "https://evil.example/",
    "https://evil.example/app.gatewayz.ai",
    "https://app.gatewayz.ai.evil.example/",
    "https://evilapp.gatewayz.ai/",
    "https://app.gatewayz.ai@evil.example/",
    "https://app.gatewayz.ai:80@evil.example/",
    "https://evil.example@app.gatewayz.ai/",
    "https://evil.example\\@app.gatewayz.ai/",
    "https://app.gatewayz.ai\\.evil.example/",
    "https:\\\\app.gatewayz.ai\\",
    "https://app.gatewayz.ai/\nevil",
    "https://app.gatewayz.ai/\r\nLocation: https://evil.example",
    "https://app.gate\twayz.ai/",
    "https://app.gatewayz.ai/\x00",
    "https://app.gatewayz.ai/\ud800",
    "https://app.gatewayz.ai\u3002evil.example/",
    "https://\u0430pp.gatewayz.ai/",
    "https://[::1/",
    "https://app.gatewayz.ai:99999999/",
    f"https://app.gatewayz.ai/{'x' * 2000}",
    "",
    None,
    1,
    ["https://app.gatewayz.ai/"],
]
REFUSED: dict[str, list[Any]] = {
    "amount": AMOUNTS,
    "currency": ["eur", "gbp", "", "us", "usdt", "u\x00d", None, 1, ["usd"]],
    "success_url": ADDRESSES,
    "cancel_url": ADDRESSES,
    "Idempotency-Key": ["", " ", "a b", "x" * 256, "a\x00b", "\xe9", "a\tb"],
}


@pytest.mark.parametrize("field", REFUSED)
def test_an_invalid_field_is_named_and_nothing_is_bought(
    bob: Person, on_gatewayz: None, field: str
) -> None:
    for value in REFUSED[field]:
        response = ask(bob, value) if field == "Idempotency-Key" else ask(bob, **{field: value})

        assert (response.status_code, list(response.json()["errors"])) == (400, [field]), value
    assert not Payment.objects.exists()


NUMBERS = ["NaN", "Infinity", "1e3", "1000.0", "01000", "9" * 5000]
BODIES = [
    *("", "[]", "null", "1", '"text"'),
    *(f'{{"amount": {number}, "currency": "usd"}}' for number in NUMBERS),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:45])
def test_a_body_that_is_no_order_is_refused(bob: Person, body: str) -> None:
    assert bob.api.post(PATH, body, content_type="application/json").status_code == 400
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("given", "missing"), [({"amount": 1000}, "currency"), ({"currency": "usd"}, "amount")]
)
def test_a_missing_field_is_named(bob: Person, given: dict[str, Any], missing: str) -> None:
    assert list(bob.api.post(PATH, given, format="json").json()["errors"]) == [missing]


@pytest.mark.parametrize(
    "address",
    [
        "https://app.gatewayz.ai/thanks?session_id={CHECKOUT_SESSION_ID}",
        "https://api.gatewayz.ai/thanks#paid",
        "http://app.gatewayz.ai:8000/",
    ],
)
def test_an_address_of_ours_is_where_stripe_sends_the_buyer_back(
    bob: Person, on_gatewayz: None, sandbox: str, address: str
) -> None:
    ask(bob, success_url=address)

    payment = Payment.objects.get()
    session = CheckoutSession.objects.get(stripe_id=payment.session_id)
    assert payment.success_url == session.success_url == address
    assert payment.cancel_url == "https://app.gatewayz.ai/payment/cancel"


def test_without_an_address_it_is_our_own_page_of_the_payment(
    bob: Person, on_gatewayz: None, sandbox: str
) -> None:
    ask(bob)

    assert Payment.objects.get().success_url == (
        "https://app.gatewayz.ai/payment/success?session_id={CHECKOUT_SESSION_ID}"
    )


def test_a_session_shows_its_status_now_to_its_buyer(bob: Person, charlie: Person) -> None:
    payment = pending_payment(bob.user)
    path = f"{PATH}/{payment.session_id}"
    before = bob.api.get(path).json()

    deliver(event(payment))
    to_another = charlie.api.get(path)

    assert before["status"] == "pending"
    assert bob.api.get(path).json() == before | {"status": "paid"}
    assert (to_another.status_code, to_another.json()["code"]) == (404, "not_found")
    for unknown in ("cs_test_none", "1", "..", "%00", "a%0A", "x" * 300, "é"):
        assert bob.api.get(f"{PATH}/{unknown}").status_code == 404, unknown


def pages(client: APIClient) -> Iterator[list[dict[str, Any]]]:
    """Follow `next` from the first page of payments to the last."""
    address = "/api/stripe/payments"
    while address:
        page = client.get(address).json()
        yield page["results"]
        address = page["next"]


def test_the_pages_hold_ones_own_payments_once_newest_first_at_the_same_cost(
    alice: Person, charlie: Person
) -> None:
    ApiKey.objects.update(last_used_at=timezone.now())
    pending_payment(charlie.user)
    made, costs = [settle(alice.user, 800).pk], []
    for count in (0, 119):
        made += [pending_payment(alice.user).pk for _ in range(count)]
        with CaptureQueriesContext(connection) as queries:
            alice.api.get("/api/stripe/payments")
        costs.append(len(queries))

    listed = list(pages(alice.api))

    assert [len(page) for page in listed] == [50, 50, 20]
    assert [payment["payment_id"] for page in listed for payment in page] == made[::-1]
    assert [payment["status"] for payment in listed[-1][-2:]] == ["pending", "paid"]
    assert costs[0] == costs[1] <= 2


@pytest.mark.parametrize("cursor", ["nonsense", "cD1hYmM=", "cD0tMQ==", "cD0xOyBEUk9QIFRBQkxF"])
def test_a_forged_cursor_is_refused(alice: Person, cursor: str) -> None:
    response = alice.api.get(f"/api/stripe/payments?cursor={cursor}")

    assert (response.status_code, list(response.json()["errors"])) == (400, ["cursor"])
