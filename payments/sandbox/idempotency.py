"""The promise of an Idempotency-Key: one request, one effect, one answer."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction

from payments.sandbox.api_request import Answer, ApiRequest, performed, refused
from payments.sandbox.errors import (
    ApiError,
    IdempotencyKeyInUse,
    IdempotencyMismatch,
    InvalidParameter,
)
from payments.sandbox.models import AnsweredKey
from payments.sandbox.objects import Json

KEPT_FOR = timedelta(hours=24)


def answer_once(request: ApiRequest, perform: Callable[[], Json]) -> Answer:
    """Perform a request, or replay what it was answered the first time."""
    key = request.idempotency_key
    if request.method != "POST" or key is None:
        return performed(perform)
    with transaction.atomic():
        _claim(request.api_key, key)
        _forget_old(request)
        earlier = AnsweredKey.objects.filter(
            api_key_digest=_digest(request.api_key), key=key
        ).first()
        if earlier:
            return _replay(earlier, request, key)
        answer = _perform(perform)
        _remember(answer, request, key)
    return answer


def _claim(api_key: str, key: str) -> None:
    """Hold the key until the transaction ends, so that a crash leaves it neither used nor held."""
    number = int.from_bytes(hashlib.sha256(f"{api_key}:{key}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise IdempotencyKeyInUse(
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            code="idempotency_key_in_use",
        )


def _perform(perform: Callable[[], Json]) -> Answer:
    """Answer with the refusal too; one for invalid parameters goes on, and is not remembered."""
    try:
        with transaction.atomic():
            return performed(perform)
    except InvalidParameter:
        raise
    except ApiError as refusal:
        return refused(refusal)


def _remember(answer: Answer, request: ApiRequest, key: str) -> None:
    AnsweredKey.objects.create(
        api_key_digest=_digest(request.api_key),
        key=key,
        endpoint=request.path,
        parameters_digest=_parameters_digest(request),
        http_status=answer.http_status,
        body=answer.body,
        created_at=request.now,
    )


def _replay(earlier: AnsweredKey, request: ApiRequest, key: str) -> Answer:
    advice = f"Try using a key other than '{key}' if you meant to execute a different request."
    if earlier.endpoint != request.path:
        raise IdempotencyMismatch(
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{earlier.endpoint}' vs '{request.path}'). {advice}"
        )
    if earlier.parameters_digest != _parameters_digest(request):
        raise IdempotencyMismatch(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. {advice}"
        )
    return Answer(earlier.http_status, earlier.body, is_replayed=True)


def _forget_old(request: ApiRequest) -> None:
    AnsweredKey.objects.filter(created_at__lt=request.now - KEPT_FOR).delete()


def _parameters_digest(request: ApiRequest) -> str:
    return _digest(json.dumps(request.parameters, sort_keys=True))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
