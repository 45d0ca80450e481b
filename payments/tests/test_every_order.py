"""Every order of the events of a purchase, each delivered twice, has the same end."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from accounts.tests.factories import register
from payments.models import Payment, StripeEvent
from payments.tests.stripe_events import dispute, event, pending_payment, refund
from payments.tests.test_clawbacks import outcome
from referrals.models import Referral

pytestmark = pytest.mark.slow

STORIES = {
    "refund": ["paid", "refund pending", "refund succeeded"],
    "failed refund": ["paid", "refund pending", "refund succeeded", "refund failed"],
    "dispute won": ["paid", "dispute opened", "dispute won"],
    "dispute lost": ["paid", "dispute opened", "dispute lost"],
    "dispute lost in part, won on appeal": [
        "paid",
        "dispute opened",
        "dispute lost in part",
        "dispute won",
    ],
    "partial refund and dispute won": ["paid", "refund succeeded", "dispute opened", "dispute won"],
    "two refunds, paid late": ["unpaid", "paid late", "refund succeeded", "other refund"],
    "paid, refunded in part, disputed and lost": [
        "paid",
        "refund succeeded",
        "dispute opened",
        "dispute lost",
    ],
    "expired after all": ["paid", "expired", "refund succeeded", "refund failed"],
}


CHAPTERS: dict[str, Callable[[Payment], Any]] = {
    "paid": event,
    "unpaid": lambda payment: event(payment, payment_status="unpaid"),
    "paid late": lambda payment: event(payment, "checkout.session.async_payment_succeeded"),
    "expired": lambda payment: event(payment, "checkout.session.expired"),
    "refund pending": lambda payment: refund(payment, 600, "pending"),
    "refund succeeded": lambda payment: refund(payment, 600),
    "refund failed": lambda payment: refund(payment, 600, "failed"),
    "other refund": lambda payment: refund(payment, 600, name="2"),
    "dispute opened": lambda payment: dispute(payment, 1200),
    "dispute won": lambda payment: dispute(payment, 1200, "won"),
    "dispute lost": lambda payment: dispute(payment, 1200, "lost"),
    "dispute lost in part": lambda payment: dispute(payment, 400, "lost"),
}


def end_of_story(story: list[str], number: int) -> Any:
    """Play the events with new users, and return the state that must not vary."""
    alice = register(f"alice{number}")
    bob = register(f"bob{number}", code=alice.code)
    payment = pending_payment(bob.user, 1500)
    for name in story:
        sent = CHAPTERS[name](payment)
        assert {outcome(sent), outcome(sent)}.isdisjoint({"failed", "quarantined"})
    payment.refresh_from_db()
    facts = payment.clawbacks.order_by("stripe_id").values_list("kind", "status", "taken")
    referral = Referral.objects.get(referred_user=bob.user)
    return (
        (alice.balance(), bob.balance()),
        (payment.status, payment.taken_back, payment.bonus_decision),
        (referral.status, referral.use_number),
        list(facts),
    )


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
@pytest.mark.django_db
def test_every_order_of_its_events_ends_a_purchase_in_the_same_way(story: list[str]) -> None:
    orders = permutations(story)

    ends = [end_of_story(list(order), number) for number, order in enumerate(orders)]

    assert all(end == ends[0] for end in ends)
    assert not StripeEvent.objects.filter(processed_at=None).exists()
