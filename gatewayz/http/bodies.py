"""Refuses a body that we would not read rightly, before a byte of it is read."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from gatewayz.http import error_pages


def check_bodies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Require a body's length, and one that is not too large."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Django would take a body without a length for an empty one.
            return error_pages.length_required(request)
        # Before Django would spool an upload to the disk; nothing here takes files.
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return error_pages.too_large(request)
        return get_response(request)

    return middleware
