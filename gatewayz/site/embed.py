"""A person's stats inside another site: the one page that may be framed, by the listed sites."""

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe


@require_safe
@xframe_options_exempt  # frame-ancestors says who, which X-Frame-Options cannot
def embed(request: HttpRequest) -> HttpResponseBase:
    """Show the page: it reads no cookie, and its script has the token from behind the `#`."""
    ancestors = settings.EMBED_ORIGINS or ["'none'"]
    return csp_replace({"frame-ancestors": ancestors})(_page)(request)


def _page(request: HttpRequest) -> HttpResponse:
    return render(request, "site/embed.html")


def snippet(request: HttpRequest, token: str) -> str:
    """Return the HTML with which another site shows the stats, until the token ends."""
    # Behind the #: a browser sends it to no server, so that it is in no log.
    return format_html(
        '<iframe src="{}#{}" title="Referral stats" width="400" height="130"></iframe>',
        request.build_absolute_uri(reverse("embed")),
        token,
    )
