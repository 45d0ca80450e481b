"""The payment page: cards and accounts that pay, at once or later, and those that do not."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from urllib.parse import urljoin

import pytest
import requests
import stripe
from django.apps import apps
from django.core.serializers import serialize
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Charge, CheckoutSession, PaymentIntent
from payments.sandbox.pay_form import NOT_A_TEST_CARD
from payments.sandbox.payment_methods import FAILING_ACCOUNT
from payments.sandbox.tests.conftest import event_types, in_its_own_tables, submit
from payments.tests.fake_stripe import RecordingServer

pytestmark = in_its_own_tables

TODAY = datetime.now(UTC)
LATER = "checkout.session.async_payment"


def error_beside(page: requests.Response, field: str) -> str:
    found = re.search(rf'id="{field}-error"[^>]*>([^<]*)<', page.text)
    assert found, page.text
    return found[1].replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("number", "cvc", "brand"),
    [
        ("4242 4242 4242 4242", "987", "visa"),
        ("5555-5555-5555-4444", "987", "mastercard"),
        ("3782 822463 10005", "9876", "amex"),
    ],
)
def test_a_paying_card_completes_the_session(
    session: stripe.checkout.Session,
    caplog: pytest.LogCaptureFixture,
    number: str,
    cvc: str,
    brand: str,
) -> None:
    answer = submit(session, card_number=number, card_cvc=cvc, cardholder_name="Bob")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://shop.test/paid?session={session.id}"
    paid = CheckoutSession.objects.get()
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert (paid.payer_email, paid.payer_name) == ("bob@example.com", "Bob")
    charge = Charge.objects.get()
    assert charge.status == "succeeded"
    assert charge.payment_method_details["card"]["brand"] == brand
    assert event_types() == [
        "payment_intent.created",
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
    ]
    assert_unknown(number, answer, caplog)


def assert_unknown(typed: str, answer: requests.Response, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the page nor the tables nor the log has the number of the card."""
    number = re.sub("[ -]", "", typed)
    models = apps.get_app_config("stripe_sandbox").get_models()
    stored = "".join(serialize("json", model._default_manager.all()) for model in models)
    assert not [text for text in (answer.text, stored, caplog.text) if number in text]
    assert typed not in stored
    assert 'value="987' not in answer.text
    assert f'value="{typed}"' not in answer.text


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("4000 0000 0000 0002", "Your card was declined."),
        ("4000 0000 0000 9995", "Your card has insufficient funds."),
    ],
)
def test_a_declined_card_leaves_the_session_open_for_another(
    session: stripe.checkout.Session, caplog: pytest.LogCaptureFixture, number: str, message: str
) -> None:
    refused = submit(session, card_number=number, card_cvc="987", cardholder_name="Bob")

    assert refused.status_code == 402
    assert_unknown(number, refused, caplog)
    assert error_beside(refused, "card_number") == message
    assert 'value="bob@example.com"' in refused.text
    assert 'value="Bob"' in refused.text
    declined = ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert event_types() == declined
    assert CheckoutSession.objects.get().status == "open"
    assert submit(session).status_code == 303
    charges = Charge.objects.order_by("id").values_list("status", "failure_message")
    assert list(charges) == [("failed", message), ("succeeded", None)]


WRONG = [
    ("card_number", "4242", "Your card number is incomplete."),
    ("card_number", "4111 1111 1111 1111", NOT_A_TEST_CARD),
    ("card_number", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "Your card number is incomplete."),
    ("card_expiry", "13/34", "Your card's expiration date is incomplete."),
    ("card_expiry", "01/20", "Your card's expiration date is in the past."),
    ("card_cvc", "12", "Your card's security code is incomplete."),
    ("email", "bob", "Your email is incomplete."),
    ("email", "", "Your email is incomplete."),
]


def test_it_says_what_is_wrong_beside_the_field(
    session: stripe.checkout.Session, caplog: pytest.LogCaptureFixture
) -> None:
    for field, typed, message in WRONG:
        refused = submit(session, **{field: typed})

        assert refused.status_code == (402 if message == NOT_A_TEST_CARD else 400), typed
        assert error_beside(refused, field) == message
    mistyped = "4242 4242 4242 4241"
    assert_unknown(mistyped, submit(session, card_number=mistyped, card_cvc="987"), caplog)
    account = submit(session, payment_method="delayed", account_number="000999999991")
    assert account.status_code == 400
    assert event_types() == []


@pytest.mark.parametrize("expiry", ["1234", "12/2034", "1/34", "12-34", f"{TODAY:%m/%y}"])
def test_it_reads_a_date_however_it_is_typed(session: stripe.checkout.Session, expiry: str) -> None:
    assert submit(session, card_expiry=expiry).status_code == 303


def test_paying_from_several_windows_at_once_charges_once(
    session: stripe.checkout.Session,
) -> None:
    together = Barrier(6)

    def press(_: int) -> int:
        together.wait(10)
        return submit(session).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(press, range(6)))

    assert [*statuses, submit(session).status_code] == [303] * 7
    assert Charge.objects.count() == 1
    assert event_types().count("checkout.session.completed") == 1
    assert "all done here" in requests.get(str(session.url), timeout=10).text


def test_an_expired_or_unknown_session_takes_no_payment(session: stripe.checkout.Session) -> None:
    CheckoutSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    shown, refused = requests.get(str(session.url), timeout=10), submit(session)

    unknown = requests.get(str(session.url) + "x", timeout=10)

    assert shown.status_code == refused.status_code == 410
    assert "has expired" in refused.text
    assert event_types() == ["checkout.session.expired"]
    assert unknown.status_code == 404


def test_the_page_asks_for_nothing_from_other_hosts(session: stripe.checkout.Session) -> None:
    page = requests.get(str(session.url), timeout=10)

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://shop.test" in policy
    assert "$10.00" in page.text
    assert 'href="http://shop.test/cancelled"' in page.text
    assert not re.search(r"<script(?! src=)|style=|<style", page.text)
    for asset in re.findall(r'(?:src|href)="(/static/[^"]*)"', page.text):
        assert requests.get(urljoin(page.url, asset), timeout=10).ok


def statuses() -> tuple[str, str, str]:
    """Return the session's status, its payment status, and its payment intent's status."""
    intent = PaymentIntent.objects.select_related("session").get()
    return intent.session.status, intent.session.payment_status, intent.status


@pytest.mark.parametrize(
    ("account", "end", "events"),
    [
        (
            {},
            ("complete", "paid", "succeeded"),
            ["payment_intent.succeeded", "charge.succeeded", f"{LATER}_succeeded"],
        ),
        (
            {"account_number": FAILING_ACCOUNT.number},
            ("complete", "unpaid", "requires_payment_method"),
            ["charge.failed", "payment_intent.payment_failed", f"{LATER}_failed"],
        ),
    ],
    ids=["pays", "fails"],
)
def test_the_session_completes_unpaid_and_settles_later(
    session: stripe.checkout.Session,
    endpoint: RecordingServer,
    account: dict[str, str],
    end: tuple[str, str, str],
    events: list[str],
) -> None:
    assert submit(session, payment_method="delayed", **account).status_code == 303
    deliver_due(timezone.now())
    assert statuses() == ("complete", "unpaid", "processing")
    assert b'"payment_status": "unpaid"' in endpoint.bodies[-1]
    for _ in range(2):
        deliver_due(timezone.now() + timedelta(minutes=1))

    assert statuses() == end
    begun = ["payment_intent.created", "payment_intent.processing", "charge.pending"]
    assert event_types() == [*begun, "checkout.session.completed", *events]
    assert len(endpoint.bodies) == 7
