"""Refunds by the official SDK: whole and in parts, pending, failed, refused, and at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone

from payments.sandbox import refunds
from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Charge, Refund
from payments.sandbox.tests.conftest import Endpoint, in_its_own_tables, sdk, submit
from payments.sandbox.tests.money_back import events_since_payment, pay, told

pytestmark = in_its_own_tables


def let_seconds_pass() -> None:
    deliver_due(timezone.now() + timedelta(seconds=6))


def test_it_refunds_all_of_a_payment_intent_at_once(client: stripe.StripeClient) -> None:
    charge_id = pay(client)
    intent_id = str(client.v1.charges.retrieve(charge_id).payment_intent)

    refund = client.v1.refunds.create(
        params={
            "payment_intent": intent_id,
            "reason": "requested_by_customer",
            "metadata": {"why": "bought twice"},
        }
    )

    assert refund.id.startswith("re_")
    assert (refund.amount, refund.status, refund.charge) == (1000, "succeeded", charge_id)
    assert (refund.reason, refund.payment_intent) == ("requested_by_customer", intent_id)
    assert refund.metadata is not None
    assert refund.metadata["why"] == "bought twice"
    assert client.v1.refunds.retrieve(refund.id).to_dict() == refund.to_dict()
    assert told(client, charge_id) == (1000, True, False)
    assert events_since_payment() == ["refund.created", "charge.refunded"]


def test_it_refunds_in_parts_until_nothing_is_left(client: stripe.StripeClient) -> None:
    charge_id = pay(client)

    first = client.v1.refunds.create(params={"charge": charge_id, "amount": 300})
    assert told(client, charge_id) == (300, False, False)
    rest = client.v1.refunds.create(params={"charge": charge_id})

    assert (first.amount, rest.amount) == (300, 700)
    charge = client.v1.charges.retrieve(charge_id)
    assert charge.refunded
    assert charge.refunds is not None
    assert [refund.id for refund in charge.refunds.data] == [rest.id, first.id]


@pytest.mark.parametrize(
    ("refunded", "amount", "code", "message"),
    [
        (1000, 1, "charge_already_refunded", "has already been refunded."),
        (
            300,
            701,
            None,
            "Refund amount ($7.01) is greater than unrefunded amount on charge ($7.00)",
        ),
    ],
)
def test_it_refunds_no_more_than_is_left(
    client: stripe.StripeClient, refunded: int, amount: int, code: str | None, message: str
) -> None:
    charge_id = pay(client)
    client.v1.refunds.create(params={"charge": charge_id, "amount": refunded})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create(params={"charge": charge_id, "amount": amount})

    assert (refusal.value.http_status, refusal.value.code) == (400, code)
    assert message in str(refusal.value)
    assert told(client, charge_id)[0] == refunded


@pytest.mark.parametrize(
    ("sent", "status", "param"),
    [
        ({}, 400, "payment_intent"),
        ({"charge": "ch_none", "payment_intent": "pi_none"}, 400, "payment_intent"),
        ({"charge": "ch_none"}, 404, "id"),
        ({"payment_intent": "pi_none"}, 404, "payment_intent"),
        ({"charge": "ch_none", "amount": 0}, 400, "amount"),
        ({"charge": "ch_none", "reason": "whim"}, 400, "reason"),
    ],
)
def test_it_refuses_a_refund_of_nothing(
    client: stripe.StripeClient, sent: Any, status: int, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create(params=sent)

    assert (refusal.value.http_status, refusal.value.param) == (status, param)


def test_it_refuses_to_refund_a_declined_card(
    client: stripe.StripeClient, session: stripe.checkout.Session
) -> None:
    submit(session, card_number="4000000000000002")
    charge = Charge.objects.get()

    with pytest.raises(stripe.InvalidRequestError, match="has not succeeded"):
        client.v1.refunds.create(params={"charge": charge.stripe_id})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create(params={"payment_intent": charge.payment_intent.stripe_id})


@pytest.mark.usefixtures("endpoint")
def test_a_slow_refund_is_pending_and_then_succeeds(client: stripe.StripeClient) -> None:
    charge_id = pay(client, card="4000000000007726")

    refund = client.v1.refunds.create(params={"charge": charge_id})
    deliver_due(timezone.now())
    assert client.v1.refunds.retrieve(refund.id).status == refund.status == "pending"
    assert told(client, charge_id) == (1000, True, False)
    let_seconds_pass()

    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert events_since_payment()[2:] == ["refund.updated", "charge.refund.updated"]


def test_a_refund_that_fails_gives_the_money_back(
    client: stripe.StripeClient, endpoint: Endpoint
) -> None:
    charge_id = pay(client, card="4000000000005126")

    refund = client.v1.refunds.create(params={"charge": charge_id, "amount": 400})
    assert refund.status == "succeeded"
    let_seconds_pass()
    let_seconds_pass()

    failed = client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert told(client, charge_id) == (0, False, False)
    assert events_since_payment() == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
    ]
    assert b'"status": "failed"' in endpoint.bodies[-1]
    assert client.v1.refunds.create(params={"charge": charge_id}).amount == 1000


def test_a_refund_to_a_bank_account_takes_time(
    client: stripe.StripeClient, session: stripe.checkout.Session, endpoint: Endpoint
) -> None:
    submit(session, payment_method="delayed")
    let_seconds_pass()

    refund = client.v1.refunds.create(params={"charge": Charge.objects.get().stripe_id})

    assert (refund.id[:4], refund.status) == ("pyr_", "pending")
    let_seconds_pass()
    assert b'"refund.updated"' in endpoint.bodies[-2]


def test_a_refund_fails_once_however_often_it_is_told(client: stripe.StripeClient) -> None:
    refund = client.v1.refunds.create(params={"charge": pay(client)})

    for _ in range(2):
        refunds.fail(refund_id=refund.id, now=timezone.now())

    assert events_since_payment().count("refund.failed") == 1


def test_it_lists_the_refunds_of_one_payment(client: stripe.StripeClient) -> None:
    mine, other = pay(client), pay(client)
    first, second = (
        client.v1.refunds.create(params={"charge": mine, "amount": 100}) for _ in range(2)
    )
    client.v1.refunds.create(params={"charge": other})

    def ids(**chosen: Any) -> list[str]:
        filters: Any = chosen
        return [found.id for found in client.v1.refunds.list(params=filters).data]

    assert ids(charge=mine) == [second.id, first.id]
    assert ids(payment_intent=first.payment_intent) == [second.id, first.id]
    assert ids(charge=mine, limit=1, starting_after=second.id) == [first.id]
    assert ids(created={"gt": first.created + 60}) == []
    (expanded,) = client.v1.refunds.list(
        params={"charge": mine, "limit": 1, "expand": ["data.charge", "data.payment_intent"]}
    ).to_dict()["data"]
    assert expanded["charge"]["amount_refunded"] == 200
    assert expanded["payment_intent"]["status"] == "succeeded"


def test_one_key_makes_one_refund(client: stripe.StripeClient) -> None:
    charge_id = pay(client)

    first, second = (
        client.v1.refunds.create(
            params={"charge": charge_id, "amount": 300}, options={"idempotency_key": "refund:1"}
        )
        for _ in range(2)
    )

    assert second.to_dict() == first.to_dict()
    assert told(client, charge_id)[0] == 300


def test_refunds_at_once_never_exceed_the_charge(sandbox: str) -> None:
    client = sdk(sandbox)
    charge_id = pay(client)

    def refund(_: int) -> int:
        try:
            return client.v1.refunds.create(params={"charge": charge_id, "amount": 300}).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(refund, range(8))) == 900

    assert Refund.objects.count() == 3
    assert told(client, charge_id)[0] == 900
