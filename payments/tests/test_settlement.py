"""A paid session credits the buyer once and, if due, both sides of a referral."""

from accounts.tests.factories import Person
from payments.tests.stripe_events import deliver, event, pending_payment


def test_it_credits_the_purchase_and_both_bonuses(alice: Person, bob: Person) -> None:
    payment = pending_payment(bob.user, 1000)

    response = deliver(event(payment))

    assert response.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def test_it_changes_nothing_when_the_event_comes_again(alice: Person, bob: Person) -> None:
    paid = event(pending_payment(bob.user, 1000))

    outcomes = [deliver(paid).json()["outcome"] for _ in range(3)]

    assert outcomes == ["settled"] * 3
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
