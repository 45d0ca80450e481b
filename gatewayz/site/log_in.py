"""Log-in by a one-time link in an e-mail (CONTRACT 8)."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import log_in_links, mailboxes, people, throttling
from gatewayz.site.forms import LogInForm
from gatewayz.site.people import begin_session, with_form
from gatewayz.site.tasks import send_log_in_link


@with_form
def log_in(request: HttpRequest) -> HttpResponse:
    """Ask for the address, and send the link."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect("dashboard")
        return render(request, "site/log_in.html", {"form": LogInForm()})
    form = LogInForm(request.POST)
    status = 200
    if form.is_valid():
        try:
            throttling.limit_address("log_in", request)
        except throttling.TooManyRequests as refusal:
            status = form.refuse(refusal)
        else:
            _send_link(request, form.cleaned_data["email"])
            return redirect("log-in-sent")
    return render(request, "site/log_in.html", {"form": form}, status=status)


def _send_link(request: HttpRequest, email: str) -> None:
    """Send a link if somebody has this address; the answer and its time do not tell."""
    person = people.with_email(email)
    # By mailbox, whose owner reads them all: accounts with tags, and other ways to write an
    # address that the database takes for the same, would multiply the limit.
    mailbox = mailboxes.fold(person.email if person else email)
    try:
        throttling.limit_subject("log_in_link", mailbox)
    except throttling.TooManyRequests:
        # Somebody has as many links as they need. To say so would tell that there is an account.
        return
    # A job, also for nobody: sending takes time, and that would tell.
    send_log_in_link.defer(
        user_id=person.pk if person else None,
        page=request.build_absolute_uri(reverse("log-in-link")),
    )


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    return render(request, "site/log_in_sent.html")


@never_cache
@with_form
def follow_link(request: HttpRequest) -> HttpResponse:
    """Show a button, which logs in: a mail scanner follows links, but sends no form."""
    fields = request.POST if request.method == "POST" else request.GET
    token = fields.get("token", "")
    with transaction.atomic():
        person = log_in_links.lock_user_of(token)
        if person and request.method == "POST":
            begin_session(request, person)
            return redirect("dashboard")
    if person is None:
        return render(request, "site/log_in_expired.html", {"form": LogInForm()}, status=410)
    response = render(request, "site/log_in_link.html", {"person": person, "token": token})
    # The address of this page logs in: no Referer may repeat it.
    response["Referrer-Policy"] = "strict-origin"
    return response
