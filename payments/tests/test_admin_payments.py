"""Operators read payments, and the refunds and disputes of them, with all that belongs to each."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import Person
from gatewayz.adminbase.formatting import page_of
from payments.admin.payments import PaymentAdmin
from payments.models import Clawback, Payment, StripeEvent
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    pending_payment,
    refund,
    settle,
    turn,
)
from referrals.models import Referral

PAYMENTS = "/admin/payments/payment/"
CLAWBACKS = "/admin/payments/clawback/"


def listed(response: Any) -> list[Any]:
    return list(response.context["cl"].result_list)


FILTERED: list[tuple[dict[str, str], list[str]]] = [
    ({"status__exact": "pending"}, ["charlie"]),
    ({"bonus_decision": "awarded"}, ["bob"]),
    ({"bonus_decision": "below_minimum"}, ["alice"]),
    ({"status__exact": "paid", "bonus_decision": "awarded"}, ["bob"]),
    ({"status__exact": "paid", "referred": "yes"}, ["bob"]),
    ({"bonus_decision": "qualifying", "referred": "no"}, []),
]
CLAWBACKS_FOUND: list[tuple[dict[str, str], list[str]]] = [
    ({"kind__exact": "dispute"}, ["open"]),
    ({"status__exact": "succeeded"}, ["succeeded", "succeeded"]),
    ({"purchase": "waiting"}, ["succeeded"]),
    ({"q": "bob"}, ["open", "succeeded"]),
    ({"q": "Bob@"}, ["open", "succeeded"]),
    ({"q": "re_early"}, ["succeeded"]),
]


def test_payments_and_what_takes_them_back_are_filtered_and_found(
    support: Client, alice: Person, bob: Person, charlie: Person
) -> None:
    settle(alice.user, 500)
    payment = settle(bob.user)
    early = pending_payment(charlie.user)

    for chosen, found in FILTERED:
        rows = listed(support.get(PAYMENTS, chosen))
        assert [payment.user.username for payment in rows] == found, chosen
    not_offered = support.get(PAYMENTS, {"bonus_decision": "nonsense"})
    assert not_offered.headers["Location"] == f"{PAYMENTS}?e=1"
    deliver(refund(payment, 300))
    deliver(dispute(payment, 700))
    deliver(refund(early, 1000, name="early"))
    for chosen, found in CLAWBACKS_FOUND:
        rows = listed(support.get(CLAWBACKS, chosen))
        assert [row.status for row in rows] == found, chosen


DAYS = [(-1, 1, 1), (0, 0, 1), (1, 2, 0), (-2, -1, 0), (0, None, 1), (None, 0, 1)]


def test_payments_are_filtered_by_whole_days(support: Client, bob: Person) -> None:
    settle(bob.user)
    pending_payment(bob.user)
    today = datetime.now(UTC).date()

    for day in ("yesterday", "2026-13-01", "9999-12-31", "\0"):
        no_day = {"paid_at_from": day, "paid_at_to": day}
        assert support.get(PAYMENTS, no_day).status_code == 200, day
    for first, last, found in DAYS:
        days = {
            f"paid_at_{end}": (today + timedelta(days=away)).isoformat()
            for end, away in (("from", first), ("to", last))
            if away is not None
        }
        assert len(listed(support.get(PAYMENTS, days))) == found, (first, last)


def test_a_payment_is_found_with_its_amount_in_dollars(
    support: Client, bob: Person, charlie: Person
) -> None:
    settle(charlie.user)
    payment = settle(bob.user, 123_456)
    session, intent = str(payment.session_id), str(payment.payment_intent_id)

    for sought in (session, session[:20], intent, "Bob", "bob@EXAM", str(payment.pk)):
        assert listed(support.get(PAYMENTS, {"q": sought})) == [payment], sought
    for nothing in ("9" * 40, "²", "%", "_"):
        assert listed(support.get(PAYMENTS, {"q": nothing})) == [], nothing
    for path in (PAYMENTS, page_of(payment)):
        assert "$1,234.56" in support.get(path).content.decode()


def rows(response: Any, title: str) -> list[list[str]]:
    tables = {part["title"]: part["table"]["rows"] for part in response.context["tables"]}
    return [[str(cell) for cell in row] for row in tables[title]]


def test_a_payment_is_shown_with_all_that_it_led_to(support: Client, bob: Person) -> None:
    payment = settle(bob.user)
    deliver(refund(payment, 1000))

    page = support.get(page_of(payment))

    entries = [row[3] for row in rows(page, "Ledger entries")]
    assert entries == ["$10.00", "$10.00", "$10.00", "-$10.00", "-$10.00", "-$10.00"]
    assert [row[2:4] for row in rows(page, "Refunds and disputes")] == [["$10.00", "$10.00"]]
    assert [row[3] for row in rows(page, "Referral")] == ["Reversed"]
    assert len(rows(page, "Events from Stripe")) == StripeEvent.objects.count() == 2
    assert "why-checks" in page.content.decode()
    refunded = support.get(page_of(Clawback.objects.get())).content.decode()
    assert page_of(payment) in refunded
    assert f"/admin/accounts/user/{bob.user.pk}/change/" in refunded
    assert "$10.00" in refunded


def test_a_payment_that_was_not_credited_shows_the_event_that_does_not_fit_and_its_checkout_page(
    support: Client, bob: Person
) -> None:
    payment = pending_payment(bob.user)
    deliver(event(payment, amount_total=999))

    [row] = rows(support.get(page_of(payment)), "Events from Stripe")

    assert row[3] == "the amount of the session is $9.99, but $10.00 in our record"
    for address in ("https://checkout.stripe.com/" + "x" * 900, "javascript:alert(1)"):
        Payment.objects.update(checkout_url=address)
        page = support.get(page_of(payment)).content.decode()
        assert (f'href="{address}"' in page) is address.startswith("https"), address
        assert f">{address}<" not in page or len(address) < 50


@pytest.mark.parametrize(("path", "most"), [(PAYMENTS, 8), (CLAWBACKS, 8), (f"{PAYMENTS}1", 20)])
def test_the_pages_ask_as_often_for_many(
    support: Client, bob: Person, path: str, most: int, django_assert_max_num_queries: Any
) -> None:
    payment = settle(bob.user)
    path = path.replace("1", f"{payment.pk}/change/")
    support.get(path)
    asked = []
    for name in ("1", "2"):
        settle(bob.user)
        deliver(refund(payment, 100, name=name))
        with django_assert_max_num_queries(most) as queries:
            support.get(path)
        asked.append(len(queries))

    assert asked[0] == asked[1]


WAYS = [
    ("https://api.stripe.com", True, ["https://dashboard.stripe.com/payments/"]),
    ("https://api.stripe.com", False, ["https://dashboard.stripe.com/test/payments/"]),
    ("http://127.0.0.1:8001", False, []),  # the sandbox has no such page
]


def test_the_way_to_stripes_dashboard_is_only_shown_when_it_leads_there(
    support: Client, bob: Person, settings: Any
) -> None:
    payment = settle(bob.user)
    for server, is_live, ways in WAYS:
        settings.STRIPE_API_BASE, settings.STRIPE_LIVEMODE = server, is_live
        page = support.get(page_of(payment)).content.decode()
        assert re.findall(r'href="(https://dashboard.stripe.com/[^"]*payments/)', page) == ways
        assert 'rel="noopener noreferrer"' in page or not ways


def test_a_payment_says_what_its_bonus_is_now_before_what_was_decided(
    support: Client, bob: Person
) -> None:
    payment = settle(bob.user)
    turn(Referral.objects.get(), "voided")

    page = support.get(page_of(payment)).content.decode()
    [row] = support.get(PAYMENTS).context["cl"].result_list

    shown = re.findall(r">\s*(Voided|Awarded)\s*<", page)
    assert shown[:2] == ["Voided", "Awarded"]
    assert "Voided" in PaymentAdmin.bonus_now(None, row)
