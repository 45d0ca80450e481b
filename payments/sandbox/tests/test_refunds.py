"""Refunds: whole and in parts, pending, failed, refused, and at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import stripe
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Charge, Refund
from payments.sandbox.tests.conftest import (
    Endpoint,
    charge_shown,
    curl,
    events_since_payment,
    in_its_own_tables,
    pay,
    submit,
)

pytestmark = [in_its_own_tables, pytest.mark.usefixtures("endpoint")]


def let_seconds_pass() -> None:
    deliver_due(timezone.now() + timedelta(seconds=6))


def test_it_refunds_in_parts_until_nothing_is_left(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client)

    first = curl(sandbox, f"charges/{charge_id}/refund", amount="3").json()
    assert charge_shown(client, charge_id) == (300, False, False)
    rest = curl(sandbox, f"charges/{charge_id}/refund").json()

    assert (first["object"], first["amount"], first["status"]) == ("refund", 300, "succeeded")
    assert (rest["amount"], rest["charge"]) == (700, charge_id)
    assert charge_shown(client, charge_id) == (1000, True, False)
    assert events_since_payment() == ["refund.created", "charge.refunded"] * 2


@pytest.mark.parametrize(
    ("refunded", "amount", "message"),
    [
        ("10", "0.01", "has already been refunded."),
        ("3", "7.01", "($7.01) is greater than unrefunded amount on charge ($7.00)"),
    ],
)
def test_it_refunds_no_more_than_is_left(
    client: stripe.StripeClient, sandbox: str, refunded: str, amount: str, message: str
) -> None:
    charge_id = pay(client)
    curl(sandbox, f"charges/{charge_id}/refund", amount=refunded)

    refusal = curl(sandbox, f"charges/{charge_id}/refund", amount=amount)

    assert refusal.status_code == 400
    assert message in refusal.json()["error"]["message"]
    assert Refund.objects.count() == 1


def test_it_does_not_refund_a_declined_card(session: stripe.checkout.Session, sandbox: str) -> None:
    submit(session, card_number="4000000000000002")

    refusal = curl(sandbox, f"charges/{Charge.objects.get().stripe_id}/refund")

    assert "has not succeeded" in refusal.json()["error"]["message"]


def test_a_slow_refund_is_pending_and_then_succeeds(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client, card="4000000000007726")

    curl(sandbox, f"charges/{charge_id}/refund")
    deliver_due(timezone.now())
    assert Refund.objects.get().status == "pending"
    assert charge_shown(client, charge_id) == (1000, True, False)
    let_seconds_pass()

    assert Refund.objects.get().status == "succeeded"
    assert events_since_payment()[2:] == ["refund.updated", "charge.refund.updated"]


def test_a_refund_that_fails_gives_the_money_back_once(
    client: stripe.StripeClient, sandbox: str, endpoint: Endpoint
) -> None:
    charge_id = pay(client, card="4000000000005126")

    made = curl(sandbox, f"charges/{charge_id}/refund", amount="4").json()
    assert made["status"] == "succeeded"
    let_seconds_pass()
    let_seconds_pass()

    assert Refund.objects.get().status == "failed"
    assert charge_shown(client, charge_id) == (0, False, False)
    failed = ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert events_since_payment()[2:] == failed
    assert b'"status": "failed"' in endpoint.bodies[-1]
    assert curl(sandbox, f"charges/{charge_id}/refund").json()["amount"] == 1000


def test_a_refund_to_a_bank_account_takes_time(
    session: stripe.checkout.Session, sandbox: str
) -> None:
    submit(session, payment_method="delayed")
    let_seconds_pass()

    refund = curl(sandbox, f"charges/{Charge.objects.get().stripe_id}/refund").json()
    let_seconds_pass()

    assert (refund["status"], Refund.objects.get().status) == ("pending", "succeeded")


def test_refunds_at_once_never_exceed_the_charge(client: stripe.StripeClient, sandbox: str) -> None:
    address = f"charges/{pay(client)}/refund"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: curl(sandbox, address, amount="3"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [400] * 5
    assert sum(refund.amount for refund in Refund.objects.all()) == 900
