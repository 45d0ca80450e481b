"""The front page and its buttons; curl may use the same addresses."""

import re

import pytest
import requests
import stripe

from payments.sandbox.models import Dispute, Refund
from payments.sandbox.tests.conftest import curl, in_its_own_tables, pay, submit

pytestmark = in_its_own_tables


def press(sandbox: str, control: str, **fields: str) -> requests.Response:
    """Send a form as a browser does, and follow it to the page that it leads to."""
    return requests.post(
        f"{sandbox}/sandbox/{control}", data=fields, headers={"Accept": "text/html"}, timeout=10
    )


def actions(sandbox: str) -> list[str]:
    page = requests.get(sandbox, timeout=10).text
    return re.findall(r'action="/sandbox/(?:charges|disputes)/\w+/(\w+)"', page)


def test_the_front_page_shows_what_happened(sandbox: str, session: stripe.checkout.Session) -> None:
    before = requests.get(sandbox, timeout=10).text
    submit(session)
    after = requests.get(sandbox, timeout=10).text

    assert f"/c/pay/{session.id}" in before
    assert f"/c/pay/{session.id}" not in after
    assert "checkout.session.completed" in after
    assert "Send now" in after
    assert "4242 4242 4242 4242" in after
    paused, resumed = (press(sandbox, "deliveries", paused=said) for said in ("true", "false"))
    assert paused.url == resumed.url == f"{sandbox}/"
    assert "Resume deliveries" in paused.text
    assert "Pause deliveries" in resumed.text


def test_it_offers_what_can_be_done_with_the_money(
    client: stripe.StripeClient, sandbox: str
) -> None:
    charge = f"charges/{pay(client)}"
    assert actions(sandbox) == ["refund", "dispute"]

    refunded = press(sandbox, f"{charge}/refund", amount="4.5")
    assert refunded.url == f"{sandbox}/"
    assert "$4.50 refunded" in refunded.text
    assert 'value="5.50"' in refunded.text
    disputed = press(sandbox, f"{charge}/dispute", amount="5.50")
    assert "$5.50 dispute open" in disputed.text
    assert actions(sandbox) == ["decide"]
    decided = press(sandbox, f"disputes/{Dispute.objects.get().stripe_id}/decide", outcome="won")

    assert "$5.50 dispute won" in decided.text
    assert actions(sandbox) == ["refund", "dispute"]
    press(sandbox, f"{charge}/dispute")
    lost = Dispute.objects.get(status="needs_response").stripe_id
    press(sandbox, f"disputes/{lost}/decide", outcome="lost")
    assert actions(sandbox) == []


@pytest.mark.parametrize("amount", ["much", "0", "1.234", "11"])
def test_a_refusal_says_why(client: stripe.StripeClient, sandbox: str, amount: str) -> None:
    address = f"charges/{pay(client)}/refund"

    shown, answered = (use(sandbox, address, amount=amount) for use in (press, curl))

    assert shown.status_code == answered.status_code == 400
    assert "Nothing was changed" in shown.text
    assert answered.json()["error"]["message"]
    assert not Refund.objects.exists()


def test_it_refuses_what_does_not_exist_or_is_not_said(sandbox: str) -> None:
    for control in ("charges/ch_none/refund", "events/evt_none/redeliver"):
        assert curl(sandbox, control).status_code == 404, control
    for control in ("disputes/dp_none/decide", "deliveries"):
        assert curl(sandbox, control).status_code == 400, control
