"""Disputes by the official SDK: opened by a card or by hand, answered, won, lost, closed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe
from django.db import connections
from django.utils import timezone

from payments.sandbox import disputes
from payments.sandbox.errors import ApiError
from payments.sandbox.models import Dispute
from payments.sandbox.payment_methods import CaseType
from payments.sandbox.tests.conftest import in_its_own_tables
from payments.sandbox.tests.money_back import events_since_payment, pay, told

pytestmark = in_its_own_tables

DISPUTED_CARD = "4000000000000259"
INQUIRED_CARD = "4000000000001976"
OPENED = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def the_dispute(client: stripe.StripeClient) -> stripe.Dispute:
    (dispute,) = client.v1.disputes.list().data
    return dispute


def give(client: stripe.StripeClient, dispute: stripe.Dispute, text: str) -> stripe.Dispute:
    return client.v1.disputes.update(dispute.id, params={"evidence": {"uncategorized_text": text}})


def assert_unrefundable(client: stripe.StripeClient, charge_id: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="has been charged back") as refusal:
        client.v1.refunds.create(params={"charge": charge_id})
    assert refusal.value.code == "charge_disputed"


def test_the_disputed_card_pays_and_is_then_disputed(client: stripe.StripeClient) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)

    dispute = the_dispute(client)

    assert dispute.id.startswith("dp_")
    assert (dispute.amount, dispute.status, dispute.reason) == (
        1000,
        "needs_response",
        "fraudulent",
    )
    assert (dispute.charge, dispute.is_charge_refundable) == (charge_id, False)
    assert [move.net for move in dispute.balance_transactions] == [-2500]
    assert client.v1.disputes.retrieve(dispute.id).to_dict() == dispute.to_dict()
    assert told(client, charge_id) == (0, False, True)
    assert events_since_payment() == OPENED
    assert_unrefundable(client, charge_id)


def test_winning_evidence_brings_the_money_back(client: stripe.StripeClient) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)

    won = give(client, the_dispute(client), "winning_evidence")

    assert (won.status, won.is_charge_refundable) == ("won", True)
    assert won.evidence_details.submission_count == 1
    assert sum(move.net for move in won.balance_transactions) == 0
    assert events_since_payment() == [
        *OPENED,
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert client.v1.refunds.create(params={"charge": charge_id}).amount == 1000


def test_losing_evidence_leaves_the_money_with_the_payer(client: stripe.StripeClient) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)

    lost = give(client, the_dispute(client), "losing_evidence")

    assert lost.status == "lost"
    assert events_since_payment() == [*OPENED, "charge.dispute.updated", "charge.dispute.closed"]
    assert_unrefundable(client, charge_id)


def test_closing_a_dispute_loses_it_once(client: stripe.StripeClient) -> None:
    pay(client, card=DISPUTED_CARD)
    dispute = the_dispute(client)

    assert client.v1.disputes.close(dispute.id).status == "lost"

    assert events_since_payment() == [*OPENED, "charge.dispute.closed"]
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.close(dispute.id)
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        give(client, dispute, "winning_evidence")


def test_other_evidence_is_kept_and_put_under_review(client: stripe.StripeClient) -> None:
    pay(client, card=DISPUTED_CARD)
    dispute = the_dispute(client)

    staged = client.v1.disputes.update(
        dispute.id,
        params={"evidence": {"customer_name": "Bob"}, "submit": False, "metadata": {"case": "7"}},
    )
    assert (staged.status, staged.metadata["case"]) == ("needs_response", "7")
    given = give(client, dispute, "He was here.")

    assert given.status == "under_review"
    assert given.evidence.customer_name == "Bob"
    assert given.evidence.uncategorized_text == "He was here."
    assert given.evidence_details.has_evidence
    assert client.v1.disputes.close(dispute.id).status == "lost"


@pytest.mark.parametrize("evidence", ["winning_evidence", "losing_evidence"])
def test_an_inquiry_takes_no_money_and_just_closes(
    client: stripe.StripeClient, evidence: str
) -> None:
    charge_id = pay(client, card=INQUIRED_CARD)
    inquiry = the_dispute(client)

    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert (inquiry.balance_transactions, told(client, charge_id)) == ([], (0, False, True))
    assert client.v1.refunds.create(params={"charge": charge_id, "amount": 100}).amount == 100
    assert give(client, inquiry, evidence).status == "warning_closed"
    assert [event for event in events_since_payment() if "dispute" in event] == [
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
    ]


def test_an_inquiry_can_become_a_chargeback(client: stripe.StripeClient) -> None:
    charge_id = pay(client, card=INQUIRED_CARD)

    escalated = give(client, the_dispute(client), "escalate_inquiry_evidence")

    assert escalated.status == "needs_response"
    assert len(escalated.balance_transactions) == 1
    assert events_since_payment()[-1] == "charge.dispute.funds_withdrawn"
    assert_unrefundable(client, charge_id)
    assert give(client, escalated, "winning_evidence").status == "won"


def test_it_lists_the_disputes_of_one_payment(client: stripe.StripeClient) -> None:
    charge_id = pay(client, card=DISPUTED_CARD)
    pay(client, card=DISPUTED_CARD)

    def found(**chosen: Any) -> list[str]:
        filters: Any = chosen
        return [str(dispute.charge) for dispute in client.v1.disputes.list(params=filters).data]

    intent_id = client.v1.charges.retrieve(charge_id).payment_intent
    assert len(found()) == 2
    assert found(charge=charge_id) == found(payment_intent=intent_id) == [charge_id]
    assert found(created={"lt": 1}) == []


def test_it_says_404_for_a_dispute_that_is_not_there(client: stripe.StripeClient) -> None:
    for ask in (client.v1.disputes.retrieve, client.v1.disputes.close, client.v1.refunds.retrieve):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            ask("dp_none")
        assert refusal.value.http_status == 404


def test_a_part_of_a_charge_is_disputed_by_hand(client: stripe.StripeClient) -> None:
    charge_id = pay(client)
    client.v1.refunds.create(params={"charge": charge_id, "amount": 900})

    opened = disputes.open_dispute(charge_id=charge_id, amount=400, now=timezone.now())
    with pytest.raises(ApiError, match="disputed already"):
        disputes.open_dispute(charge_id=charge_id, now=timezone.now())
    disputes.decide(dispute_id=opened.stripe_id, is_won=True, now=timezone.now())
    again = disputes.open_dispute(
        charge_id=charge_id, case_type=CaseType.INQUIRY, now=timezone.now()
    )

    assert (opened.amount, again.amount) == (400, 1000)
    assert told(client, charge_id) == (900, False, True)


@pytest.mark.parametrize("amount", [0, -1, 1001])
def test_no_more_than_the_charge_is_disputed(client: stripe.StripeClient, amount: int) -> None:
    charge_id = pay(client)

    with pytest.raises(ApiError, match="part of the charge"):
        disputes.open_dispute(charge_id=charge_id, amount=amount, now=timezone.now())


def test_a_charge_that_was_refunded_in_full_is_not_disputed(client: stripe.StripeClient) -> None:
    charge_id = pay(client)
    client.v1.refunds.create(params={"charge": charge_id})

    with pytest.raises(ApiError, match="refunded in full"):
        disputes.open_dispute(charge_id=charge_id, now=timezone.now())


def test_a_refund_and_a_dispute_at_once_end_in_one_of_them(client: stripe.StripeClient) -> None:
    charge_id = pay(client)

    def refund() -> bool:
        try:
            client.v1.refunds.create(params={"charge": charge_id})
        except stripe.InvalidRequestError:
            return False
        return True

    def dispute() -> bool:
        try:
            disputes.open_dispute(charge_id=charge_id, now=timezone.now())
        except ApiError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(6) as pool:
        attempts = [pool.submit(act) for act in (refund, dispute) * 3]

    assert sum(attempt.result() for attempt in attempts) == 1
    assert told(client, charge_id)[0] + 1000 * Dispute.objects.count() == 1000
