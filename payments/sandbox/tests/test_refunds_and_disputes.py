"""Refunds and disputes, by test card and by hand: together they take no more than the charge."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
import stripe
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Charge, Dispute, Refund
from payments.sandbox.tests.conftest import (
    charge_shown,
    curl,
    events_since_payment,
    in_its_own_tables,
    pay,
    submit,
)

pytestmark = [in_its_own_tables, pytest.mark.usefixtures("endpoint")]

PENDING_REFUND_CARD = "4000000000007726"
FAILING_REFUND_CARD = "4000000000005126"
DISPUTED_CARD = "4000000000000259"
INQUIRED_CARD = "4000000000001976"
REFUNDED = ["refund.created", "charge.refunded"]
DISPUTED = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def let_seconds_pass() -> None:
    deliver_due(timezone.now() + timedelta(seconds=6))


def refund(sandbox: str, charge_id: str, **amount: str) -> requests.Response:
    return curl(sandbox, f"charges/{charge_id}/refund", **amount)


def dispute(sandbox: str, charge_id: str, **fields: str) -> requests.Response:
    return curl(sandbox, f"charges/{charge_id}/dispute", **fields)


def decide(sandbox: str, outcome: str) -> requests.Response:
    return curl(sandbox, f"disputes/{Dispute.objects.get().stripe_id}/decide", outcome=outcome)


def refusal(answer: requests.Response) -> str:
    assert answer.status_code == 400
    return str(answer.json()["error"]["message"])


def test_it_refunds_in_parts_and_no_more_than_is_left(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client)

    part = refund(sandbox, charge_id, amount="3").json()
    assert charge_shown(client, charge_id) == (300, False, False)
    too_much = refund(sandbox, charge_id, amount="7.01")
    rest = refund(sandbox, charge_id).json()
    again = refund(sandbox, charge_id)

    assert (part["amount"], part["status"], rest["amount"]) == (300, "succeeded", 700)
    assert "($7.01) is greater than unrefunded amount on charge ($7.00)" in refusal(too_much)
    assert "has already been refunded" in refusal(again)
    assert "refunded in full" in refusal(dispute(sandbox, charge_id))
    assert charge_shown(client, charge_id) == (1000, True, False)
    assert events_since_payment() == REFUNDED * 2


def test_a_slow_refund_is_pending_and_then_succeeds(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client, card=PENDING_REFUND_CARD)

    refund(sandbox, charge_id)
    deliver_due(timezone.now())
    assert Refund.objects.get().status == "pending"
    assert charge_shown(client, charge_id) == (1000, True, False)
    let_seconds_pass()

    assert Refund.objects.get().status == "succeeded"
    assert events_since_payment() == [*REFUNDED, "refund.updated", "charge.refund.updated"]


def test_a_refund_that_fails_gives_the_money_back_once(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client, card=FAILING_REFUND_CARD)

    made = refund(sandbox, charge_id, amount="4").json()
    assert made["status"] == "succeeded"
    let_seconds_pass()
    let_seconds_pass()

    assert Refund.objects.get().status == "failed"
    assert charge_shown(client, charge_id) == (0, False, False)
    failed = ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert events_since_payment() == [*REFUNDED, *failed]
    assert refund(sandbox, charge_id).json()["amount"] == 1000


def test_a_declined_card_has_no_refund_and_that_to_a_bank_account_takes_time(
    session: stripe.checkout.Session, sandbox: str
) -> None:
    submit(session, card_number="4000000000000002")
    assert "has not succeeded" in refusal(refund(sandbox, Charge.objects.get().stripe_id))
    submit(session, payment_method="delayed")
    let_seconds_pass()

    made = refund(sandbox, Charge.objects.get(status="succeeded").stripe_id).json()
    let_seconds_pass()

    assert (made["status"], Refund.objects.get().status) == ("pending", "succeeded")


@pytest.mark.parametrize(
    ("outcome", "events"),
    [
        ("won", ["charge.dispute.funds_reinstated", "charge.dispute.closed"]),
        ("lost", ["charge.dispute.closed"]),
    ],
)
def test_the_disputed_card_pays_and_the_bank_decides_once(
    client: stripe.StripeClient, sandbox: str, outcome: str, events: list[str]
) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)
    assert charge_shown(client, charge_id) == (0, False, True)
    assert "has been charged back" in refusal(refund(sandbox, charge_id))

    decided = decide(sandbox, outcome).json()

    assert decided["status"] == outcome
    assert events_since_payment() == [*DISPUTED, *events]
    assert "already closed" in refusal(decide(sandbox, "won"))
    assert refund(sandbox, charge_id).status_code == (200 if outcome == "won" else 400)


def test_an_inquiry_takes_no_money_and_is_just_closed(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client, card=INQUIRED_CARD)
    assert Dispute.objects.get().status == "warning_needs_response"
    assert refund(sandbox, charge_id, amount="1").status_code == 200

    closed = decide(sandbox, "lost").json()

    assert closed["status"] == "warning_closed"
    dispute_events = [event for event in events_since_payment() if "dispute" in event]
    assert dispute_events == ["charge.dispute.created", "charge.dispute.closed"]


def test_a_part_of_a_charge_is_disputed_by_hand(client: stripe.StripeClient, sandbox: str) -> None:
    charge_id = pay(client)
    refund(sandbox, charge_id, amount="9")

    opened = dispute(sandbox, charge_id, amount="4").json()
    second = dispute(sandbox, charge_id)
    decide(sandbox, "won")
    too_much = dispute(sandbox, charge_id, amount="10.01")
    inquiry = dispute(sandbox, charge_id, kind="inquiry").json()

    assert (opened["amount"], opened["status"]) == (400, "needs_response")
    assert "disputed already" in refusal(second)
    assert "more than the charge" in refusal(too_much)
    assert (inquiry["amount"], inquiry["status"]) == (1000, "warning_needs_response")


def test_refunds_at_once_never_exceed_the_charge(client: stripe.StripeClient, sandbox: str) -> None:
    charge_id = pay(client)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refund(sandbox, charge_id, amount="3"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [400] * 5
    assert sum(made.amount for made in Refund.objects.all()) == 900


def test_a_refund_and_a_dispute_at_once_end_in_one_of_them(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge_id = pay(client)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda act: act(sandbox, charge_id), [refund, dispute] * 3))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    assert Refund.objects.count() + Dispute.objects.count() == 1
