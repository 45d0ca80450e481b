"""Idempotency-Key: one request, one effect, one answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import stripe
from django.db import connection
from django.utils import timezone

from payments.sandbox.models import AnsweredKey, CheckoutSession
from payments.sandbox.objects import Json, as_json
from payments.sandbox.tests.conftest import in_its_own_tables, new_session_parameters, sdk

pytestmark = in_its_own_tables


def create(client: stripe.StripeClient, key: str, **changes: Any) -> stripe.checkout.Session:
    return client.v1.checkout.sessions.create(
        params=new_session_parameters(**changes), options={"idempotency_key": key}
    )


def test_it_replays_the_first_answer_to_the_same_parameters_for_a_day_but_keeps_no_refusal(
    client: stripe.StripeClient,
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        create(client, "payment:1", amount=0)
    first, second = create(client, "payment:1"), create(client, "payment:1")
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refusal:
        create(client, "payment:1", amount=2000)

    assert first.amount_total == 1000
    assert second.to_dict() == first.to_dict()
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert refusal.value.http_status == 400
    assert CheckoutSession.objects.count() == 1
    AnsweredKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert create(client, "payment:1").id != first.id


def test_it_says_409_while_the_first_is_in_progress(
    client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = Event(), Event()

    def slowly(session: CheckoutSession) -> Json:
        begun.set()
        assert may_end.wait(10)
        return as_json(session)

    monkeypatch.setattr("payments.sandbox.api.as_json", slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(create, client, "payment:1")
        assert begun.wait(10)
        # The SDK calls IdempotencyError only what is answered with 400.
        with pytest.raises(stripe.APIError, match="in progress") as refusal:
            create(client, "payment:1")
        may_end.set()

    assert refusal.value.http_status == 409
    assert create(client, "payment:1").id == first.result().id


def test_it_opens_one_session_for_many_requests_at_once(sandbox: str) -> None:
    client = sdk(sandbox, max_network_retries=5)

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: create(client, "payment:1").id, range(8)))

    assert len(ids) == 1
    assert CheckoutSession.objects.count() == 1


def test_it_forgets_a_request_that_never_ended(
    client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(session: CheckoutSession) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as crash:
        crash.setattr("payments.sandbox.api.as_json", die)
        with pytest.raises(stripe.APIError) as failure:
            create(client, "payment:1")

    assert failure.value.http_status == 500
    assert create(client, "payment:1").status == "open"
    assert CheckoutSession.objects.count() == 1
