"""The sandbox as a server: it survives a restart, and delivers by itself."""

import time
from collections.abc import Callable

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
        assert [found.payment_status for found in client.v1.checkout.sessions.list().data] == [
            "paid"
        ]
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
