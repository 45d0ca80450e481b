"""The page behind the link in each e-mail that switches its kind off (RFC 8058)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts import emails
from accounts.preferences import EmailKind
from gatewayz.site.people import with_form


# A mail program sends the POST, without a cookie. The token shows that the e-mail came from us.
@csrf_exempt
@never_cache
@with_form
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask by GET, since programs that look for malware follow links; switch off by POST."""
    found = emails.read_token(token)
    if found is None:
        raise Http404
    user, kind = found
    if request.method == "POST":
        emails.switch_off(user, kind)
    context = {
        "kind": kind.label,
        "is_every_kind": kind == EmailKind.WELCOME,
        "is_off": request.method == "POST",
    }
    return render(request, "site/emails_off.html", context)
