"""What anybody can send to the API, sound or not, is answered as the OpenAPI document says.

schemathesis makes the requests up from the document, its examples included. Alice calls; Bob has
objects of the same kinds, whose ids are among what she tries.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts import api_keys
from accounts.models import ApiKey
from accounts.tests.factories import Person
from payments.models import Payment
from payments.tests.stripe_events import envelope, pending_payment, signed

pytestmark = pytest.mark.slow

IS_LONG = os.environ.get("LONG") == "1"

OF_ALICE: dict[str, Any] = {"session_id": "cs_test_of_alice", "id": 700_001}
OF_BOB: dict[str, Any] = {"session_id": "cs_test_of_bob", "id": 700_002}

CONFIG = {
    "generation": {
        "max-examples": 500 if IS_LONG else 30,
        "deterministic": not IS_LONG,
        # The key is Alice's; what comes of none and of a wrong one, a check of its own looks at.
        "with-security-parameters": False,
    },
}


def document() -> dict[str, Any]:
    """Return the OpenAPI document; among the examples ids of Alice and of Bob, and real events."""
    made: dict[str, Any] = json.loads(
        json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str)
    )
    for path in made["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    owners = {"Alice": OF_ALICE, "Bob": OF_BOB}
                    parameter["examples"] = {
                        owner: {"value": ids[parameter["name"]]} for owner, ids in owners.items()
                    }
    webhook = made["paths"]["/api/stripe/webhook"]["post"]["requestBody"]["content"]
    webhook["application/json"]["examples"] = {
        kind: {"value": envelope(kind, {"id": OF_ALICE["session_id"]})}
        for kind in ("checkout.session.completed", "customer.created")
    }
    return made


def signing(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Sign whatever bears a signature, as Stripe does: else nothing comes past that."""

    def sign(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_STRIPE_SIGNATURE" in environ:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            with suppress(UnicodeDecodeError):  # Stripe signs text
                environ["HTTP_STRIPE_SIGNATURE"] = signed(body)
        return application(environ, start_response)

    return sign


api = schemathesis.openapi.from_dict(document(), config=schemathesis.Config.from_dict(CONFIG))
api.app = signing(WSGIHandler())


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Let the requests of a test share its transaction, as Django's own test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def caller(alice: Person, bob: Person) -> Person:
    """Alice; she and Bob have a session and a key each, of known ids."""
    for person, ids in ((alice, OF_ALICE), (bob, OF_BOB)):
        payment = pending_payment(person.user)
        Payment.objects.filter(pk=payment.pk).update(session_id=ids["session_id"])
        key, _ = api_keys.create(user=person.user, name="laptop", now=timezone.now())
        ApiKey.objects.filter(pk=key.pk).update(id=ids["id"])
    return alice


@contextmanager
def undone() -> Iterator[None]:
    """Let no request meet what the one before it left: a name that is taken hides other faults."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def nobody_reaches_what_is_anothers(_: Any, response: Response, case: Any) -> None:
    """Answer what is Bob's as what is not there, and tell Alice nothing of it."""
    asked = {str(value) for value in (case.path_parameters or {}).values()}
    if asked & {str(value) for value in OF_BOB.values()}:
        assert response.status_code in {401, 404, 405}, response.status_code
    # What the caller said herself, as a name to register with, is no secret told.
    if OF_BOB["session_id"] not in str(case.body):
        assert OF_BOB["session_id"] not in response.text
    assert f'"id":{OF_BOB["id"]}' not in response.text


# What is wrong with these, the document has no words for: a cursor has to be one of ours, an
# address on a host of ours, an event Stripe's, a user name one's own, and a kind of e-mail known.
BEYOND_THE_DOCUMENT = {
    "GET /api/stripe/payments": {"cursor"},
    "GET /user/transactions": {"cursor"},
    "POST /api/stripe/checkout-session": {"success_url", "cancel_url"},
    "POST /api/stripe/webhook": {"not_an_event"},
    "POST /user/erase": {"username"},
    "PATCH /user/preferences": {"emails"},
}


def checks_that_do_not_fit(case: Any, response: Response) -> list[Any]:
    """Let what fits the document be refused for nothing but what the document cannot say."""
    if response.status_code != 400:
        return []
    refusal = response.json()
    reasons = set(refusal.get("errors", [refusal["code"]]))
    if isinstance(case.body, dict) and isinstance(case.body.get("amount"), float):
        reasons.discard("amount")  # JSON Schema takes 10.0 for an integer, HAZARDS does not
    is_beyond = reasons <= BEYOND_THE_DOCUMENT.get(case.operation.label, set())
    return [positive_data_acceptance] if is_beyond else []


@api.parametrize()
@pytest.mark.usefixtures("quiet", "one_connection", "sandbox")
def test_every_answer_is_as_documented(case: Any, caller: Person) -> None:
    key = {"Authorization": f"Bearer {caller.api_key}"}

    with undone():
        response = case.call(headers=key)
        case.validate_response(
            response,
            headers=key,
            additional_checks=[nobody_reaches_what_is_anothers],
            excluded_checks=checks_that_do_not_fit(case, response),
        )
        assert ApiKey.objects.get(pk=OF_BOB["id"]).revoked_at is None
