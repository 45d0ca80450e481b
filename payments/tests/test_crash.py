"""A settlement that an error breaks off leaves nothing behind, and is done by the next delivery.

What breaks it off by death is test_every_crash's.
"""

import pytest

from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person
from payments.models import Payment, StripeEvent
from payments.tests.at_once import (
    PATIENCE_SECONDS,
    another_transaction,
    execute,
    in_background,
    refusing,
)
from payments.tests.stripe_events import deliver, event, pending_payment, refund
from referrals.models import Referral

pytestmark = pytest.mark.django_db(transaction=True)


def assert_nothing_is_there() -> None:
    assert not LedgerEntry.objects.exists()
    assert not Referral.objects.exists()
    assert not User.objects.filter(has_made_first_purchase=True).exists()
    assert Payment.objects.get().status == "pending"
    assert not StripeEvent.objects.filter(processed_at__isnull=False).exists()


@pytest.mark.parametrize(
    ("sqlstate", "status"),
    [("P0001", 500), ("23514", 500), ("53100", 503)],
    ids=["an error nobody knows", "a constraint", "a full disk"],
)
@pytest.mark.parametrize("table", ["ledger_entries", "referrals", "payments"])
def test_a_failing_settlement_is_noted_and_settles_later(
    alice: Person, bob: Person, table: str, sqlstate: str, status: int
) -> None:
    paid = event(pending_payment(bob.user, 1000))

    with refusing(table, sqlstate=sqlstate):
        statuses = [deliver(paid).status_code for _ in range(2)]
    assert_nothing_is_there()
    noted = StripeEvent.objects.get()
    # Stripe delivers it again with another number of pending webhooks.
    redelivered = deliver(paid | {"pending_webhooks": 0})

    stored = StripeEvent.objects.get()
    assert statuses == [status] * 2
    assert (noted.outcome, noted.attempts) == ("failed", 2)
    assert "refused by the test" in noted.last_error
    assert redelivered.json()["outcome"] == "settled"
    assert (stored.outcome, stored.attempts, stored.last_error) == ("settled", 3, "")
    assert stored.processed_at
    assert stored.parsed()["pending_webhooks"] == 0  # the event that took effect
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def test_an_event_whose_outcome_cannot_be_saved_settles_nothing(bob: Person) -> None:
    """The failure cannot be saved either; the response still reports it."""
    paid = event(pending_payment(bob.user, 1000))

    with refusing("stripe_events", sqlstate="53100"):
        refused = deliver(paid)
    assert_nothing_is_there()
    assert not StripeEvent.objects.exists()
    redelivered = deliver(paid)

    assert refused.status_code == 503
    assert redelivered.json()["outcome"] == "settled"


def test_a_failure_does_not_wait_to_be_noted(bob: Person) -> None:
    """It may have waited for a lock already; who works on the event now stores an outcome."""
    refunded = refund(pending_payment(bob.user, 1000), 1000)

    def deliver_without_timeout() -> int:
        execute("SET lock_timeout = 0")
        status: int = deliver(refunded).status_code
        return status

    with refusing("clawbacks", sqlstate="P0001"):
        deliver(refunded)
        with (
            another_transaction("SELECT FROM stripe_events FOR UPDATE"),
            in_background(deliver_without_timeout) as delivery,
        ):
            status = delivery.result(PATIENCE_SECONDS)

    assert (status, StripeEvent.objects.get().attempts) == (500, 1)
