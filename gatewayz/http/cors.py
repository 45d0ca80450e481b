"""Lets browsers on the listed origins call the API (CONTRACT 1)."""

from typing import Any

from corsheaders.middleware import CorsMiddleware as _Cors
from django.http import HttpRequest
from django.utils.cache import patch_vary_headers

from gatewayz.http.middleware import is_call

# Stripe's servers call it, and no browser.
_WEBHOOK = "/api/stripe/webhook"


class CorsMiddleware(_Cors):
    """Answers preflights, and names the origin in answers of the API; of nothing else."""

    def __call__(self, request: HttpRequest) -> Any:
        path = request.path_info
        if not is_call(path) or path.startswith(_WEBHOOK):
            return self.get_response(request)
        if "HTTP_ORIGIN" in request.META:
            return super().__call__(request)
        # The library would look through its settings first. A cache must not give this answer to
        # a browser on another origin, which needs one with its name.
        response: Any = self.get_response(request)
        patch_vary_headers(response, ("origin",))
        return response
