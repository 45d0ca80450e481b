"""Refusals as Stripe words them in JSON."""

from django.http import JsonResponse


class ApiError(Exception):
    """A refusal: Stripe's message, HTTP status, type and code."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "",
        error_type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.type = error_type

    def response(self) -> JsonResponse:
        """Return Stripe's error body."""
        error = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
        return JsonResponse({"error": error}, status=self.status)


def no_such(kind: str, stripe_id: str) -> ApiError:
    """Return the refusal of an id that no object has."""
    return ApiError(f"No such {kind}: '{stripe_id}'", status=404, code="resource_missing")
