"""Disputes: opened by a test card or by hand, won, lost, closed."""

from concurrent.futures import ThreadPoolExecutor

import requests
import stripe

from payments.sandbox.models import Dispute, Refund
from payments.sandbox.tests.conftest import (
    charge_shown,
    curl,
    events_since_payment,
    in_its_own_tables,
    pay,
)

pytestmark = in_its_own_tables

DISPUTED_CARD = "4000000000000259"
INQUIRED_CARD = "4000000000001976"
OPENED = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def decide(sandbox: str, outcome: str) -> requests.Response:
    return curl(sandbox, f"disputes/{Dispute.objects.get().stripe_id}/decide", outcome=outcome)


def test_the_disputed_card_pays_and_is_then_disputed(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)

    dispute = Dispute.objects.get()
    assert (dispute.amount, dispute.status) == (1000, "needs_response")
    assert charge_shown(client, charge_id) == (0, False, True)
    assert events_since_payment() == OPENED
    refusal = curl(sandbox, f"charges/{charge_id}/refund")
    assert refusal.json()["error"]["code"] == "charge_disputed"


def test_a_won_dispute_brings_the_money_back(client: stripe.StripeClient, sandbox: str) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)

    won = decide(sandbox, "won").json()

    assert (won["status"], won["is_charge_refundable"]) == ("won", True)
    reinstated = ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert events_since_payment() == [*OPENED, *reinstated]
    assert curl(sandbox, f"charges/{charge_id}/refund").json()["amount"] == 1000


def test_a_lost_dispute_leaves_the_money_with_the_payer(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)

    lost = decide(sandbox, "lost").json()

    assert (lost["status"], lost["is_charge_refundable"]) == ("lost", False)
    assert events_since_payment() == [*OPENED, "charge.dispute.closed"]
    assert curl(sandbox, f"charges/{charge_id}/refund").status_code == 400
    assert "already closed" in decide(sandbox, "won").json()["error"]["message"]


def test_an_inquiry_takes_no_money_and_is_just_closed(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client, card=INQUIRED_CARD)
    assert Dispute.objects.get().status == "warning_needs_response"
    assert charge_shown(client, charge_id) == (0, False, True)

    closed = decide(sandbox, "lost").json()

    assert (closed["status"], closed["is_charge_refundable"]) == ("warning_closed", True)
    assert events_since_payment() == ["charge.dispute.created", "charge.dispute.closed"]


def test_a_part_of_a_charge_is_disputed_by_hand(client: stripe.StripeClient, sandbox: str) -> None:
    charge = f"charges/{pay(client)}"
    curl(sandbox, f"{charge}/refund", amount="9")

    opened = curl(sandbox, f"{charge}/dispute", amount="4").json()
    second = curl(sandbox, f"{charge}/dispute")
    decide(sandbox, "won")
    inquiry = curl(sandbox, f"{charge}/dispute", kind="inquiry").json()

    assert (opened["amount"], opened["status"]) == (400, "needs_response")
    assert "disputed already" in second.json()["error"]["message"]
    assert (inquiry["amount"], inquiry["status"]) == (1000, "warning_needs_response")


def test_a_charge_that_was_refunded_in_full_is_not_disputed(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge = f"charges/{pay(client)}"
    curl(sandbox, f"{charge}/refund")

    assert "refunded in full" in curl(sandbox, f"{charge}/dispute").json()["error"]["message"]


def test_a_refund_and_a_dispute_at_once_end_in_one_of_them(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge = f"charges/{pay(client)}"

    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda act: curl(sandbox, f"{charge}/{act}"), ["refund", "dispute"] * 3)
        )

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    assert Refund.objects.count() + Dispute.objects.count() == 1
