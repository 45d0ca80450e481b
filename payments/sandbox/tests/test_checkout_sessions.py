"""Checkout sessions by the official SDK: opened, found, listed, expired, refused."""

import time
from typing import Any

import pytest
import requests
import stripe

from payments.sandbox.tests.conftest import in_its_own_tables, new_session_parameters, sdk, submit

pytestmark = in_its_own_tables


def test_it_opens_a_session_with_what_was_sent(client: stripe.StripeClient, sandbox: str) -> None:
    sent = new_session_parameters(
        client_reference_id="17",
        customer_email="bob@example.com",
        metadata={"payment": "17"},
        payment_intent_data={"metadata": {"payment": "17"}},
    )

    session = client.v1.checkout.sessions.create(params=sent)

    assert session.id.startswith("cs_test_")
    assert session.url == f"{sandbox}/c/pay/{session.id}"
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.currency) == (1000, "usd")
    assert session.client_reference_id == "17"
    assert session.customer_email == "bob@example.com"
    assert session["metadata"]["payment"] == "17"
    assert session.expires_at - session.created == 24 * 3600
    assert session.payment_intent is None


def test_it_adds_up_line_items(client: stripe.StripeClient) -> None:
    items = new_session_parameters(250)["line_items"] * 2
    items[1] = items[1] | {"quantity": 3}

    session = client.v1.checkout.sessions.create(params=new_session_parameters(line_items=items))

    assert session.amount_total == 250 + 3 * 250


@pytest.mark.parametrize("amount", [1, 99_999_999])
def test_it_takes_any_amount_that_stripe_can_hold(client: stripe.StripeClient, amount: int) -> None:
    session = client.v1.checkout.sessions.create(params=new_session_parameters(amount))

    assert session.amount_total == amount


def test_it_finds_a_session_again(
    client: stripe.StripeClient, session: stripe.checkout.Session
) -> None:
    assert client.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()


def test_it_expires_an_open_session_once(
    client: stripe.StripeClient, session: stripe.checkout.Session
) -> None:
    expired = client.v1.checkout.sessions.expire(session.id)

    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        client.v1.checkout.sessions.expire(session.id)
    (event,) = client.v1.events.list(params={"type": "checkout.session.expired"}).data
    assert event.data.object["id"] == session.id
    assert event.request is not None
    assert event.request.id is not None


def test_it_lists_newest_first_in_pages(client: stripe.StripeClient) -> None:
    made = [
        client.v1.checkout.sessions.create(params=new_session_parameters()).id for _ in range(5)
    ]
    newest_first = made[::-1]

    first = client.v1.checkout.sessions.list(params={"limit": 2})
    rest = client.v1.checkout.sessions.list(params={"limit": 3, "starting_after": made[3]})
    back = client.v1.checkout.sessions.list(params={"limit": 2, "ending_before": made[1]})

    assert ([s.id for s in first.data], first.has_more) == (newest_first[:2], True)
    assert ([s.id for s in rest.data], rest.has_more) == (newest_first[2:], False)
    assert ([s.id for s in back.data], back.has_more) == (newest_first[1:3], True)
    assert [s.id for s in first.auto_paging_iter()] == newest_first


def test_it_filters_a_list(client: stripe.StripeClient) -> None:
    sessions = client.v1.checkout.sessions
    paid, opened = (sessions.create(params=new_session_parameters()) for _ in range(2))
    submit(paid)
    intent = sessions.retrieve(paid.id).payment_intent

    def ids(**chosen: Any) -> list[str]:
        filters: Any = chosen
        return [found.id for found in sessions.list(params=filters).data]

    assert ids(status="open") == [opened.id]
    assert ids(status="complete") == [paid.id]
    assert ids(payment_intent=intent) == [paid.id]
    assert ids(created={"gte": paid.created, "lte": opened.created}) == [opened.id, paid.id]
    assert ids(created={"gt": opened.created}) == []
    assert ids(created={"lt": paid.created}) == []


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"success_url": "nowhere"}, "url_invalid", "success_url"),
        ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
        ({"customer_email": "bob"}, "email_invalid", "customer_email"),
        ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
        ({"expires_at": 1}, None, "expires_at"),
        ({"mode": "subscription"}, None, "mode"),
        ({"line_items": "many"}, None, "line_items"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 40}]"),
        ({"expand": ["customer"]}, None, "expand"),
    ],
)
def test_it_refuses_a_bad_parameter_as_stripe_does(
    client: stripe.StripeClient, changes: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.create(params=new_session_parameters(**changes))

    assert (refusal.value.http_status, refusal.value.code) == (400, code)
    assert refusal.value.param == param
    assert refusal.value.request_id


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("ten", "parameter_invalid_integer"),
        ("10.5", "parameter_invalid_integer"),
        (0, "parameter_invalid_integer"),
        (-1, "parameter_invalid_integer"),
        (100_000_000, "amount_too_large"),
        (2**63, "parameter_invalid_integer"),
    ],
)
def test_it_refuses_an_amount_that_stripe_would_refuse(
    client: stripe.StripeClient, amount: Any, code: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.create(params=new_session_parameters(amount))

    assert refusal.value.code == code


@pytest.mark.parametrize("missing", ["mode", "line_items", "success_url"])
def test_it_names_a_missing_parameter(client: stripe.StripeClient, missing: str) -> None:
    sent = new_session_parameters()
    del sent[missing]

    with pytest.raises(stripe.InvalidRequestError, match="Missing required param") as refusal:
        client.v1.checkout.sessions.create(params=sent)

    assert (refusal.value.code, refusal.value.param) == ("parameter_missing", missing)


def test_it_names_a_nested_parameter_in_full(client: stripe.StripeClient) -> None:
    sent = new_session_parameters()
    sent["line_items"][0]["price_data"]["colour"] = "red"

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.create(params=sent)

    assert refusal.value.param == "line_items[0][price_data][colour]"


def test_it_keeps_an_expiry_of_its_own(client: stripe.StripeClient) -> None:
    in_an_hour = int(time.time()) + 3600

    session = client.v1.checkout.sessions.create(
        params=new_session_parameters(expires_at=in_an_hour)
    )

    assert session.expires_at == in_an_hour


def test_it_says_404_for_what_is_not_there(client: stripe.StripeClient, sandbox: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"No such checkout\.session") as refusal:
        client.v1.checkout.sessions.retrieve("cs_test_none")
    odd = requests.get(f"{sandbox}/v1/events/evt%00", auth=("sk_test_alice", ""), timeout=10)
    unknown = requests.get(f"{sandbox}/v1/weather", auth=("sk_test_alice", ""), timeout=10)

    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
    assert odd.status_code == unknown.status_code == 404
    assert "Unrecognized request URL (GET: /v1/weather)" in unknown.json()["error"]["message"]


@pytest.mark.parametrize("key", ["sk_live_alice", "pk_test_alice", "nonsense"])
def test_it_lets_nobody_in_without_a_test_key(sandbox: str, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as refusal:
        sdk(sandbox, key).v1.checkout.sessions.list()

    assert refusal.value.http_status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Basic !!"}, 401),
        ({"Authorization": "Basic c2tfdGVzdF9hbGljZTo="}, 200),
        ({"Authorization": "Bearer sk_test_alice"}, 200),
    ],
)
def test_it_takes_a_key_as_bearer_or_user_name(
    sandbox: str, headers: dict[str, str], status: int
) -> None:
    answer = requests.get(
        f"{sandbox}/v1/events",
        headers={"Stripe-Version": stripe.api_version} | headers,
        timeout=10,
    )

    assert answer.status_code == status
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == stripe.api_version
