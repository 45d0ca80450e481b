"""The front page's forms for refunds and disputes, which `curl` may use too."""

import re

import pytest
import requests
import stripe

from payments.sandbox.models import Dispute, Refund
from payments.sandbox.tests.conftest import in_its_own_tables, submit
from payments.sandbox.tests.money_back import pay

pytestmark = in_its_own_tables


def press(address: str, **fields: str) -> requests.Response:
    """Send a form as a browser does, and follow it to the page that it leads to."""
    return requests.post(address, data=fields, headers={"Accept": "text/html"}, timeout=10)


def curl(address: str, **fields: str) -> requests.Response:
    """Send a form as `curl -d` does."""
    return requests.post(address, data=fields, timeout=10)


def actions(sandbox: str) -> list[str]:
    page = requests.get(sandbox, timeout=10).text
    return re.findall(r'action="/sandbox/(?:charges|disputes)/\w+/(\w+)"', page)


def test_the_front_page_offers_what_can_be_done(client: stripe.StripeClient, sandbox: str) -> None:
    charge = f"{sandbox}/sandbox/charges/{pay(client)}"
    assert actions(sandbox) == ["refund", "dispute"]

    refunded = press(f"{charge}/refund", amount="4.5")
    assert refunded.url == f"{sandbox}/"
    assert "$4.50 refunded" in refunded.text
    assert 'value="5.50"' in refunded.text
    disputed = press(f"{charge}/dispute", amount="5.50")
    assert "$5.50 dispute open" in disputed.text
    assert actions(sandbox) == ["decide"]
    decided = press(
        f"{sandbox}/sandbox/disputes/{Dispute.objects.get().stripe_id}/decide", outcome="won"
    )

    assert "$5.50 dispute won" in decided.text
    assert actions(sandbox) == ["refund", "dispute"]


def test_nothing_is_offered_once_a_dispute_is_lost(
    client: stripe.StripeClient, sandbox: str
) -> None:
    press(f"{sandbox}/sandbox/charges/{pay(client)}/dispute")
    press(f"{sandbox}/sandbox/disputes/{Dispute.objects.get().stripe_id}/decide", outcome="lost")

    assert actions(sandbox) == []


def test_the_controls_answer_curl_in_json(client: stripe.StripeClient, sandbox: str) -> None:
    charge = f"{sandbox}/sandbox/charges/{pay(client)}"

    refund = curl(f"{charge}/refund", amount="1").json()
    inquiry = curl(f"{charge}/dispute", kind="inquiry").json()
    closed = curl(f"{sandbox}/sandbox/disputes/{inquiry['id']}/decide", outcome="lost").json()

    assert (refund["object"], refund["amount"]) == ("refund", 100)
    assert (inquiry["status"], inquiry["amount"]) == ("warning_needs_response", 1000)
    assert closed["status"] == "warning_closed"


@pytest.mark.parametrize(
    ("control", "fields"),
    [
        ("refund", {"amount": "much"}),
        ("refund", {"amount": "0"}),
        ("refund", {"amount": "1.234"}),
        ("refund", {"amount": "11"}),
        ("dispute", {"amount": "10.01"}),
        ("dispute", {"kind": "whim"}),
    ],
)
def test_the_controls_say_why_they_refuse(
    client: stripe.StripeClient, sandbox: str, control: str, fields: dict[str, str]
) -> None:
    address = f"{sandbox}/sandbox/charges/{pay(client)}/{control}"

    shown, told = press(address, **fields), curl(address, **fields)

    assert shown.status_code == told.status_code == 400
    assert "Nothing was changed" in shown.text
    assert told.json()["error"]["message"]
    assert not Refund.objects.exists()
    assert not Dispute.objects.exists()


def test_an_unknown_dispute_or_outcome_is_refused(
    client: stripe.StripeClient, session: stripe.checkout.Session, sandbox: str
) -> None:
    submit(session, card_number="4000000000000259")
    dispute_id = Dispute.objects.get().stripe_id

    assert press(f"{sandbox}/sandbox/disputes/{dispute_id}/decide").status_code == 400
    assert press(f"{sandbox}/sandbox/disputes/dp_none/decide", outcome="won").status_code == 404
