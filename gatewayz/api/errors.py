"""The one shape of every error of the API: `detail`, `code` and, for a bad body, `errors`."""

from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import Error as AnyDatabaseError
from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from gatewayz.api.database_errors import is_unavailable
from gatewayz.api.json_api import BodyTooLarge

RETRY_AFTER_SECONDS = 5


class DatabaseUnavailable(APIException):
    """The database cannot serve: it is down, full, read-only, blocked or not migrated yet."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database cannot be reached right now. Nothing was changed; try again."
    default_code = "database_unavailable"
    wait = RETRY_AFTER_SECONDS


class Conflict(APIException):
    """The request contradicts the stored state; `code` tells programs the reason."""

    status_code = status.HTTP_409_CONFLICT


def to_response(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into the API's error. None leaves an unknown exception to Django."""
    known = _as_api_exception(exception)
    if known is None:
        return None
    set_rollback()
    return Response(_body(known), status=known.status_code, headers=_headers(known))


def _as_api_exception(exception: Exception) -> APIException | None:
    match exception:
        case APIException():
            return exception
        case Http404():
            return NotFound()
        case DjangoPermissionDenied():
            return PermissionDenied()
        case RequestDataTooBig():
            return BodyTooLarge()
        case AnyDatabaseError() if is_unavailable(exception):
            return DatabaseUnavailable()
    return None


def _body(error: APIException) -> dict[str, Any]:
    if not isinstance(error, ValidationError):
        errors = getattr(error, "errors", None)
        body = {"detail": str(error.detail), "code": getattr(error.detail, "code", "error")}
        return body | ({"errors": errors} if errors else {})
    errors = _by_field(error.detail)
    field, messages = next(iter(errors.items()))
    return {"detail": f"{field}: {messages[0]}", "code": "invalid", "errors": errors}


def _by_field(detail: Any) -> dict[str, list[str]]:
    """Flatten DRF's detail into a list of sentences for each field."""
    if not isinstance(detail, dict):
        return {"body": _sentences(detail)}
    return {
        "body" if field == "non_field_errors" else str(field): _sentences(messages)
        for field, messages in detail.items()
    }


def _sentences(detail: Any) -> list[str]:
    if isinstance(detail, dict):
        return [
            line if name == "non_field_errors" else f"{name}: {line}"
            for name, part in detail.items()
            for line in _sentences(part)
        ]
    if isinstance(detail, list | tuple):
        return [line for part in detail for line in _sentences(part)]
    # A message may quote a lone surrogate from the request, which UTF-8 cannot encode.
    return [str(detail).encode(errors="backslashreplace").decode()]


def _headers(error: APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers


class NoSuchEndpoint(APIView):
    """Answers 404 to paths of the API that no app has."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this path; see /api/docs.")
