"""Operators read Stripe's inbox: what came, what became of it, and what they can do about it."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.tests.factories import Person
from gatewayz.adminbase.formatting import page_of
from payments.admin import raw_events
from payments.event_payments import find_payment_of
from payments.models import StripeEvent
from payments.tests.factories import StripeEventFactory
from payments.tests.stripe_events import (
    deliver,
    envelope,
    event,
    failed_event,
    pending_payment,
    refund,
    resolve,
    settle,
)

INBOX = "/admin/payments/stripeevent/"


def ids(response: Any) -> list[str]:
    return [event.event_id for event in response.context["cl"].result_list]


def kept(sent: dict[str, Any]) -> StripeEvent:
    deliver(sent)
    return StripeEvent.objects.get(event_id=sent["id"])


FILTERED = [
    ("ignored", "", ["customer.created"]),
    ("", "refund.created", ["refund.created"]),
    ("applied", "refund.created", ["refund.created"]),
    ("settled", "refund.created", []),
    ("needs_someone", "refund.created", []),
]


def test_it_is_filtered_by_outcome_and_by_type(support: Client, bob: Person) -> None:
    deliver(refund(settle(bob.user), 100))
    deliver(envelope("customer.created", {"id": "cus_1"}))

    for outcome, event_type, found in FILTERED:
        response = support.get(INBOX, {"outcome": outcome, "event_type": event_type})
        assert [each.event_type for each in response.context["cl"].result_list] == found, outcome
    wrong = kept(event(pending_payment(bob.user), amount_total=999))
    broken = failed_event(pending_payment(bob.user))
    untouched = StripeEventFactory.create()
    need_someone = [untouched.event_id, broken.event_id, wrong.event_id]
    assert ids(support.get(INBOX, {"outcome": "needs_someone"})) == need_someone


def test_what_no_event_of_a_type_can_become_is_not_looked_for(
    support: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8) as queries:
        support.get(INBOX, {"event_type": "checkout.session.expired", "outcome": "settled"})

    assert "stripe_events" not in str(queries.captured_queries)


def test_it_is_found_by_stripes_ids_and_the_person(
    support: Client, bob: Person, charlie: Person
) -> None:
    settle(charlie.user)
    payment = settle(bob.user)
    sent = payment.stripe_events.get()
    session, intent = str(payment.session_id), str(payment.payment_intent_id)

    for sought in (sent.event_id, sent.event_id[:12], session, session[:20], intent, "BOB@example"):
        assert ids(support.get(INBOX, {"q": sought})) == [sent.event_id], sought


def test_an_event_that_names_only_its_session_is_about_its_payment(bob: Person) -> None:
    payment = pending_payment(bob.user)

    wrong = kept(event(payment, metadata=None, payment_intent=None))

    assert find_payment_of(wrong) == payment


def test_the_list_loads_no_bodies_and_asks_as_often_for_many_to_tell_whom_they_are_about(
    support: Client, alice: Person, bob: Person, django_assert_max_num_queries: Any
) -> None:
    """An event that failed is not linked to its payment, and is read for that."""
    asked = []
    for make in (settle, lambda user: failed_event(pending_payment(user))):
        for person in (alice, bob):
            make(person.user)
            with django_assert_max_num_queries(10) as queries:
                listed = support.get(INBOX).context["cl"].result_list
            asked.append((len(queries), '"body"' in str(queries.captured_queries)))

    settled, _, failed, _ = asked
    assert asked == [settled, settled, failed, failed]
    assert (settled[0] <= 8, settled[1], failed[1]) == (True, False, True)
    assert [event.payment.user for event in listed] == [bob.user, alice.user] * 2


def test_it_tells_in_words_why_an_event_is_quarantined_and_what_to_do(
    support: Client, bob: Person
) -> None:
    """The advice about a refund is not that about a purchase."""
    purchase = page_of(kept(event(pending_payment(bob.user), amount_total=999)))
    payment = settle(bob.user)
    deliver(refund(payment, 100))
    refunded = page_of(kept(refund(payment, 999)))

    of_purchase, of_refund = (support.get(each).context["help"] for each in (purchase, refunded))

    assert of_purchase.happened == (
        "Quarantined: the amount of the session is $9.99, but $10.00 in our record."
        " Nothing was credited."
    )
    assert of_purchase.advice.startswith("Stripe was paid another amount")
    assert of_refund.happened.startswith(
        "Quarantined: the amount of the refund is $9.99, but $1.00"
    )
    assert of_refund.advice.startswith("Stripe named another amount when we first heard of this")


def test_a_failed_event_is_shown_with_its_payment_and_when_it_is_attempted_again(
    support: Client, bob: Person
) -> None:
    payment = pending_payment(bob.user)
    broken = failed_event(payment)

    page = support.get(page_of(broken))

    assert page.context["help"].happened.startswith("Failed once: an error on our side.")
    assert f"{broken.retry_at:%H:%M}" in page.context["help"].advice
    text = page.content.decode()
    assert "IntegrityError" in text
    assert "The database refused it: a rule of the books would be broken" in text
    assert f"/admin/payments/payment/{payment.pk}/change/" in text
    assert f"/admin/accounts/user/{bob.user.pk}/change/" in text


def test_every_outcome_is_explained(support: Client) -> None:
    for outcome in StripeEvent.Outcome.values:
        is_open = outcome in ("received", "failed")
        row = StripeEventFactory.create(
            event_type="refund.created",
            outcome="quarantined" if outcome == "resolved" else outcome,
            processed_at=None if is_open else timezone.now(),
        )
        if outcome == "resolved":
            resolve(row)

        shown = support.get(page_of(row)).context["help"]

        assert shown.happened.lower().startswith(outcome)
        assert shown.advice


MARKUP = "<script>alert(1)</script>"


def test_markup_in_an_event_is_text(support: Client, bob: Person) -> None:
    odd = kept(event(pending_payment(bob.user), mode=MARKUP, description=MARKUP))

    pages = [support.get(path).content.decode() for path in (page_of(odd), INBOX)]

    assert MARKUP not in pages[0] + pages[1]
    assert "&lt;script&gt;alert(1)" in pages[0]


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        ("\0", r"\u0000"),
        (float("nan"), "NaN"),
        ("\ud800", r"\ud800"),
        ("\u202etxt", r"\u202etxt"),
        ("Zoë", "Zoë"),
        (b"not json \xff\x00", r"not json \xff\x00"),
        (b"[" * 50_000, "[[["),
        (b"[" * 300 + b"1,1," * 50_000 + b"1" + b"]" * 300, "[[["),  # too long once indented
    ],
    ids=lambda part: ascii(part)[:20],
)
def test_what_cannot_be_seen_is_written_out_and_what_is_no_json_shown_as_it_came(
    odd: object, shown: str
) -> None:
    body = odd if isinstance(odd, bytes) else json.dumps({"odd": odd}).encode()

    text = raw_events.readable(StripeEvent(body=body))

    assert shown in text
    assert text.startswith(shown if body is odd else "{")
    assert len(text.encode()) <= len(body) * 4


def test_the_largest_event_has_a_page_that_asks_as_little_as_it_can(
    support: Client, bob: Person, django_assert_max_num_queries: Any
) -> None:
    large = kept(event(pending_payment(bob.user), pad=["<b>"] * 30_000))

    with django_assert_max_num_queries(13):
        assert support.get(page_of(large)).status_code == 200
