"""The sandbox as a server: it outlives a restart, delivers by itself, and shows its front page."""

import time
from collections.abc import Callable

import pytest
import requests
import stripe

from payments.sandbox.server import serving
from payments.sandbox.tests.conftest import (
    Endpoint,
    in_its_own_tables,
    new_session_parameters,
    sdk,
    submit,
)

pytestmark = in_its_own_tables


def test_its_state_survives_a_restart() -> None:
    with serving() as base_url:
        opened = sdk(base_url).v1.checkout.sessions.create(
            params=new_session_parameters(), options={"idempotency_key": "payment:1"}
        )
        submit(opened)

    with serving() as base_url:
        client = sdk(base_url)
        replayed = client.v1.checkout.sessions.create(
            params=new_session_parameters(), options={"idempotency_key": "payment:1"}
        )

        assert replayed.to_dict() == opened.to_dict()
        assert client.v1.checkout.sessions.retrieve(opened.id).payment_status == "paid"
        assert len(client.v1.events.list().data) == 4


def test_it_delivers_by_itself_when_asked(endpoint: Endpoint) -> None:
    with serving(deliver=True) as base_url:
        opened = sdk(base_url).v1.checkout.sessions.create(params=new_session_parameters())
        submit(opened)

        wait_until(lambda: len(endpoint.bodies) == 4)


def wait_until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_its_front_page_shows_what_happened(sandbox: str, session: stripe.checkout.Session) -> None:
    before = requests.get(sandbox, timeout=10).text
    submit(session)
    after = requests.get(sandbox, timeout=10).text

    assert f"/c/pay/{session.id}" in before
    assert f"/c/pay/{session.id}" not in after
    assert "checkout.session.completed" in after
    assert "Send now" in after
    assert "4242 4242 4242 4242" in after


@pytest.mark.parametrize("label", ["Pause deliveries", "Resume deliveries"])
def test_its_buttons_lead_back_to_the_front_page(sandbox: str, label: str) -> None:
    paused = "true" if label.startswith("Resume") else "false"

    page = requests.post(
        f"{sandbox}/sandbox/deliveries",
        data={"paused": paused},
        headers={"Accept": "text/html"},
        timeout=10,
    )

    assert page.url == f"{sandbox}/"
    assert label in page.text
