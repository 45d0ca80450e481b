"""What moved the balance, with fees and sources, and what is paid out."""

from datetime import timedelta
from typing import Any

import stripe
import time_machine
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Dispute
from payments.sandbox.tests.conftest import curl, in_its_own_tables, pay

pytestmark = in_its_own_tables


def test_each_movement_is_listed_with_its_fee_and_source_and_paid_out_after_midnight(
    client: stripe.StripeClient, sandbox: str, endpoint: Any
) -> None:
    """The refund of one charge fails, and the dispute of another is won."""
    curl(sandbox, f"charges/{pay(client, card='4000000000005126')}/refund", amount="4.00")
    pay(client, card="4000000000000259", amount=2000)
    curl(sandbox, f"disputes/{Dispute.objects.get().stripe_id}/decide", outcome="won")
    deliver_due(timezone.now() + timedelta(seconds=6))

    params: Any = {"limit": 2, "expand": ["data.source"]}
    listed = list(client.v1.balance_transactions.list(params=params).auto_paging_iter())
    by_id = client.v1.balance_transactions.list(params={"limit": 100}).data
    today = client.v1.payouts.list().data
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        [payout] = client.v1.payouts.list().data
        later = client.v1.payouts.list(params={"created": {"gte": payout.created + 1}}).data
        earlier = client.v1.payouts.list(params={"created": {"lt": payout.created}}).data

    assert sorted((each.reporting_category, each.amount, each.fee) for each in listed) == [
        ("charge", 1000, 59),
        ("charge", 2000, 88),
        ("dispute", -2000, 1500),
        ("dispute_reversal", 2000, 0),
        ("refund", -400, 0),
        ("refund_failure", 400, 0),
    ]
    assert all(each.net == each.amount - each.fee for each in listed)
    assert all(each.to_dict()["source"]["payment_intent"][:3] == "pi_" for each in listed)
    assert {str(each.source)[:3] for each in by_id} == {"ch_", "re_", "dp_"}
    assert payout.amount == 3000 - 59 - 88 - 1500
    assert today == later == earlier == []
