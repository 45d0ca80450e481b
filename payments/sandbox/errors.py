"""Stripe's errors and the JSON in which they are told."""

from typing import Any


class ApiError(Exception):
    """A refusal, with what Stripe tells about it."""

    http_status = 400
    type = "invalid_request_error"

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param

    def as_json(self) -> dict[str, Any]:
        """Return Stripe's error body."""
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        return {"error": dict(sorted(error.items()))}


class InvalidParameter(ApiError):
    """The parameters were refused before anything was begun."""


class AuthenticationFailed(ApiError):
    """No API key, or none that this sandbox takes."""

    http_status = 401


class NotFound(ApiError):
    """There is no such object or URL."""

    http_status = 404


class IdempotencyMismatch(ApiError):
    """An Idempotency-Key came back with another request."""

    type = "idempotency_error"


class IdempotencyKeyInUse(ApiError):
    """The first request with this Idempotency-Key is still under way."""

    http_status = 409
    type = "idempotency_error"


def no_such(kind: str, stripe_id: str, param: str = "id") -> NotFound:
    """Return the refusal of an id that names nothing."""
    return NotFound(f"No such {kind}: '{stripe_id}'", code="resource_missing", param=param)
