"""Refusals as Stripe words them in JSON."""

from dataclasses import dataclass

from django.http import JsonResponse


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal: Stripe's message, HTTP status, code and type."""

    message: str
    status: int = 400
    code: str = ""
    type: str = "invalid_request_error"

    def response(self) -> JsonResponse:
        """Return Stripe's error body."""
        error = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
        return JsonResponse({"error": error}, status=self.status)
