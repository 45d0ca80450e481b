"""The promise of an Idempotency-Key: one request, one effect, one answer."""

import json
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from payments.sandbox.errors import ApiError
from payments.sandbox.models import AnsweredKey
from payments.sandbox.objects import Json

KEPT_FOR = timedelta(hours=24)


def answer_once(request: HttpRequest, act: Callable[[], Json]) -> HttpResponse:
    """Do what a POST asks for, or repeat the answer that its key got the first time.

    A refusal raises, so it is not kept: as with Stripe, a key whose parameters were refused can
    be used again.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return JsonResponse(act())
    parameters = json.dumps(sorted(request.POST.items()))
    with transaction.atomic():
        _lock(key)
        now = timezone.now()
        AnsweredKey.objects.filter(created_at__lt=now - KEPT_FOR).delete()
        earlier = AnsweredKey.objects.filter(key=key).first()
        if earlier:
            return _repeat(earlier, parameters)
        body = json.dumps(act())
        AnsweredKey.objects.create(key=key, parameters=parameters, body=body, created_at=now)
    return HttpResponse(body, content_type="application/json")


def _lock(key: str) -> None:
    """Hold the key until the transaction ends, so that a crash leaves it neither used nor held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"stripe_sandbox:{key}"]
        )
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise ApiError(
            f"Another request with this Idempotent Key is in progress: {key}. Try again later.",
            status=409,
            code="idempotency_key_in_use",
            type="idempotency_error",
        )


def _repeat(earlier: AnsweredKey, parameters: str) -> HttpResponse:
    if earlier.parameters != parameters:
        raise ApiError(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try a key other than '{earlier.key}' for a different request.",
            type="idempotency_error",
        )
    response = HttpResponse(earlier.body, content_type="application/json")
    response["Idempotent-Replayed"] = "true"
    return response
