"""Buying credits with a browser: the form, the way to Stripe, and the pages on return."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.tests.factories import Person, logged_in
from payments import checkout
from payments.models import Payment
from payments.tests.fake_stripe import stripe_is_down
from payments.tests.stripe_events import (
    deliver,
    pending_payment,
    refund,
    settle,
    turn,
)
from referrals.models import Referral

BUY = "/dashboard/buy"


def buy(person: Person, amount: str = "10", other: str = "", token: object = "") -> Any:
    form = {"amount": amount, "other": other, "token": token or uuid4()}
    return logged_in(person.user).post(BUY, form)


def returned(person: Person, payment: Payment, query: str = "") -> Any:
    """Return the page to which Stripe leads after the payment."""
    address = f"/payment/success?session_id={payment.session_id}{query}"
    return logged_in(person.user).get(address)


@pytest.mark.parametrize(
    ("amount", "other", "cents"),
    [
        ("10", "", 1000),
        ("50", "not looked at", 5000),
        ("other", "12.34", 1234),
        ("other", "0.01", 1),
        ("other", "999999.99", 99_999_999),
    ],
)
def test_the_form_leads_to_the_page_of_stripe(
    bob: Person, sandbox: str, amount: str, other: str, cents: int
) -> None:
    response = buy(bob, amount, other)

    payment = Payment.objects.get()
    assert (payment.user, payment.amount, payment.status) == (bob.user, cents, "pending")
    assert (response.status_code, response["Location"]) == (303, payment.checkout_url)
    assert payment.success_url == (
        "http://testserver/payment/success?session_id={CHECKOUT_SESSION_ID}"
    )
    assert payment.cancel_url == "http://testserver/payment/cancel"


def test_what_is_no_amount_is_refused_on_the_form(bob: Person) -> None:
    typed = ("", "0", "-1", "0.001", "1000000", "NaN", "1e9", "ten")
    for amount, other in (("", ""), ("11", ""), *(("other", text) for text in typed)):
        response = buy(bob, amount, other)

        assert response.status_code == 400, (amount, other)
        assert b"error-text" in response.content, (amount, other)
    assert not Payment.objects.exists()


def test_a_form_that_is_sent_twice_is_one_purchase(bob: Person, sandbox: str) -> None:
    token = uuid4()

    first, second = buy(bob, token=token), buy(bob, token=token)
    other_amount = buy(bob, "25", token=token)

    assert first["Location"] == second["Location"] != other_amount["Location"]
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [1000, 2500]


def test_without_stripe_it_says_so_and_goes_on_with_the_same_purchase(
    bob: Person, sandbox: str, settings: Any
) -> None:
    token = uuid4()

    with stripe_is_down(settings):
        response = buy(bob, "25", token=token)
    page = response.content.decode()

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Stripe cannot be reached right now. Nothing was charged; try again." in page
    assert str(token) in page
    settings.STRIPE_API_BASE = sandbox
    assert buy(bob, "25", token=token).status_code == 303
    assert Payment.objects.count() == 1


def test_too_many_unpaid_purchases_are_refused_in_the_words_of_the_api(
    bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "MOST_UNPAID", 1)
    pending_payment(bob.user)

    response = buy(bob)

    assert response.status_code == 409
    assert b"purchases that are not paid" in response.content


def test_purchases_count_for_the_limit_of_the_api(bob: Person, sandbox: str, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"api": (1, timedelta(minutes=1))}

    statuses = [buy(bob).status_code, buy(bob).status_code]

    assert statuses == [303, 429]
    assert bob.api.get("/user/balance").status_code == 429


def test_nobody_buys_for_somebody_else(bob: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob.user)

    assert browser.post(BUY, {"amount": "10", "token": uuid4()}).status_code == 403
    assert Client().post(BUY, {"amount": "10", "token": uuid4()}).status_code == 302
    assert not Payment.objects.exists()


def test_a_page_with_the_form_may_lead_to_stripe(bob: Person, settings: Any) -> None:
    settings.STRIPE_API_BASE = "https://api.stripe.com"

    for path in ("/dashboard", BUY, "/payment/cancel"):
        policy = logged_in(bob.user).get(path)["Content-Security-Policy"]
        assert "form-action 'self' https://checkout.stripe.com" in policy, path


def test_before_the_webhook_the_page_looks_again_for_a_minute(bob: Person) -> None:
    payment = pending_payment(bob.user)

    first, last = returned(bob, payment), returned(bob, payment, "&looks=20")

    address = f"/payment/success?session_id={payment.session_id}&looks=1"
    assert first["Refresh"] == f"3; url={address}"
    assert "Refresh" not in last
    assert b"It takes longer than usual" in last.content


def test_it_says_what_was_paid_refunded_and_of_a_bonus_what_there_is(
    bob: Person, charlie: Person
) -> None:
    payment, own = settle(bob.user), settle(charlie.user)
    page, without_bonus = (
        returned(who, paid).content.decode() for who, paid in ((bob, payment), (charlie, own))
    )
    turn(Referral.objects.get(), "held")
    held = returned(bob, payment).content.decode()
    deliver(refund(own, 400))

    assert "You got $20.00" in page
    assert "$10.00 that you paid, and a bonus of $10.00" in page
    assert "You got $10.00" in held
    assert "Your bonus is under review" in held
    assert "You got $10.00" in without_bonus
    assert "bonus" not in without_bonus
    assert b"$4.00 was refunded or disputed since" in returned(charlie, own).content


def test_only_the_purchase_that_could_bring_the_bonus_says_why_there_is_none(bob: Person) -> None:
    small, qualifying, later = (settle(bob.user, cents) for cents in (400, 1000, 2500))

    assert b"below the minimum of $10.00" in returned(bob, small).content
    assert b"a bonus of $10.00" in returned(bob, qualifying).content
    assert b"bonus" not in returned(bob, later).content


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"status": "failed"}, "The payment did not succeed"),
        ({"status": "expired"}, "The payment did not succeed"),
        ({"completed_at": timezone.now()}, "Your bank is still at work"),
    ],
)
def test_a_payment_that_failed_or_takes_days_is_not_waited_for(
    bob: Person, changes: dict[str, Any], text: str
) -> None:
    payment = pending_payment(bob.user)
    Payment.objects.filter(pk=payment.pk).update(**changes)

    response = returned(bob, payment)

    assert text in response.content.decode()
    assert "Refresh" not in response


def test_anybody_else_reads_nothing_of_a_purchase(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 4321)
    path = f"/payment/success?session_id={payment.session_id}"

    pages = [
        logged_in(alice.user).get(path),
        logged_in(alice.user).get("/payment/success?session_id=cs_test_none"),
        logged_in(alice.user).get("/payment/success?session_id=%00"),
        Client().get(path),
    ]

    assert [page.status_code for page in pages] == [200] * 4
    assert [page for page in pages if b"43.21" in page.content] == []
    token = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')
    assert len({token.sub(b"", page.content) for page in pages[:3]}) == 1


@pytest.mark.parametrize(
    ("cents", "chosen"),
    [(2500, r'value="25"[^>]* checked'), (1234, r'name="other" value="12\.34"')],
)
def test_after_a_cancel_the_same_amount_is_chosen_for_who_is_logged_in(
    bob: Person, cents: int, chosen: str
) -> None:
    pending_payment(bob.user, 5000)
    pending_payment(bob.user, cents)

    own, of_nobody = (
        browser.get("/payment/cancel").content.decode()
        for browser in (logged_in(bob.user), Client())
    )

    assert "Nothing was charged" in own
    assert "Nothing was charged" in of_nobody
    assert re.search(chosen, own)
    assert "<form" not in of_nobody
