"""Makes the OpenAPI document once, and completes it with the errors that every endpoint has."""

from functools import cache
from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request

_one_at_a_time = Lock()


class OnceGenerator(SchemaGenerator):
    """Returns the one document: it takes a second to make, and is the same for everybody."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        # drf-spectacular patches views while it looks at them, so two threads at once would fail.
        with _one_at_a_time:
            return _document()


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document


# Marks an operation that reads the body as it came, whatever its media type.
RAW_BODY = "x-raw-body"

ERROR = {
    "type": "object",
    "description": "The one shape of every error.",
    "properties": {
        "detail": {"type": "string", "description": "What went wrong, for a person."},
        "code": {"type": "string", "description": "What went wrong, for a program."},
        "errors": {
            "type": "object",
            "description": "For a bad body: what is wrong with each field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["detail", "code"],
}

_EXAMPLES: dict[str, dict[str, Any]] = {
    "400": {
        "detail": "amount: A valid integer is required.",
        "code": "invalid",
        "errors": {"amount": ["A valid integer is required."]},
    },
    "401": {"detail": "Invalid API key.", "code": "authentication_failed"},
    "403": {
        "detail": "This token is not good for this call; use another token, or your API key.",
        "code": "insufficient_scope",
    },
    "404": {"detail": "Not found.", "code": "not_found"},
    "405": {"detail": 'Method "PUT" not allowed.', "code": "method_not_allowed"},
    "409": {"detail": "This username is taken.", "code": "conflict"},
    "413": {"detail": "The body is larger than 65536 bytes.", "code": "body_too_large"},
    "415": {"detail": 'Unsupported media type "text/plain".', "code": "unsupported_media_type"},
    "429": {"detail": "Too many requests. Try again in 17 s.", "code": "too_many_requests"},
    "503": {
        "detail": "The database cannot be reached right now. Nothing was changed; try again.",
        "code": "database_unavailable",
    },
}

_DESCRIPTIONS = {
    "400": "Bad input; `errors` names the fields.",
    "401": "The API key is missing or wrong.",
    "403": "The call needs another scope of the token, or the API key.",
    "405": "The path does not know this method.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too many requests; try again after `Retry-After` seconds.",
    "503": "The database or Stripe cannot be reached; try again after `Retry-After` seconds.",
}

_HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string", "examples": ["Bearer"]}}},
    "429": {"Retry-After": {"schema": {"type": "integer"}}},
    "503": {"Retry-After": {"schema": {"type": "integer"}}},
}


def document_errors(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Add to each operation the errors that it can answer with, in the one shape."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    for methods in result["paths"].values():
        for operation in methods.values():
            responses = operation["responses"]
            for code in _possible_errors(operation):
                responses.setdefault(code, {"description": _DESCRIPTIONS[code]})
            for code, response in responses.items():
                if code >= "400":
                    _complete(code, response)
    return result


def _possible_errors(operation: dict[str, Any]) -> list[str]:
    codes = ["405", "503"]
    if any(operation.get("security", [])):
        codes += ["401", "403", "429"]
    if "requestBody" in operation:
        codes += ["400", "413"] if operation.pop(RAW_BODY, False) else ["400", "413", "415"]
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", [])):
        codes.append("400")
    return codes


def _complete(code: str, response: dict[str, Any]) -> None:
    response["content"] = {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/Error"},
            "example": _EXAMPLES[code],
        }
    }
    if code in _HEADERS:
        response["headers"] = _HEADERS[code]
