"""The hosted payment page, on which a payer pays a checkout session."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from payments.sandbox import checkout
from payments.sandbox.models import CheckoutSession
from payments.sandbox.money import display_amount
from payments.sandbox.pay_form import PayForm
from payments.sandbox.payment_methods import FAILING_ACCOUNT, PAYING_ACCOUNT, TEST_CARDS

_METHODS = {
    "cards": TEST_CARDS,
    "paying_account": PAYING_ACCOUNT,
    "failing_account": FAILING_ACCOUNT,
}


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("card_number", "card_cvc", "account_number")
def pay_page(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show the page, or take the payment."""
    session = CheckoutSession.objects.filter(stripe_id=session_id).first()
    if session is None:
        return page("closed.html", {"reason": "unknown"}, status=404)
    if request.method == "POST":
        return _take_payment(request, session)
    now = timezone.now()
    if session.status == CheckoutSession.Status.COMPLETE:
        return page("closed.html", {"reason": "complete", "session": session})
    if session.status == CheckoutSession.Status.EXPIRED or session.expires_at <= now:
        return _expired(session)
    return _form_page(PayForm(None, today=now.date()), session, status=200)


@sensitive_variables("form")
def _take_payment(request: HttpRequest, session: CheckoutSession) -> HttpResponse:
    now = timezone.now()
    form = PayForm(request.POST, today=now.date())
    if session.status == CheckoutSession.Status.COMPLETE:
        return _to_success_page(session)
    if not form.is_valid():
        is_declined = form.has_error("card_number", "declined")
        return _form_page(form, session, status=402 if is_declined else 400)
    try:
        paid = checkout.pay(
            session_id=session.stripe_id,
            method=form.method(),
            email=form.cleaned_data["email"],
            name=form.cleaned_data["cardholder_name"] or None,
            now=now,
        )
    except checkout.CardDeclined as declined:
        form.add_error("card_number", str(declined))
        return _form_page(form, session, status=402)
    except checkout.SessionIsClosed as closed:
        # Somebody may have paid it between our look at it and the lock.
        if closed.session.status == CheckoutSession.Status.COMPLETE:
            return _to_success_page(closed.session)
        return _expired(closed.session)
    return _to_success_page(paid)


def _to_success_page(session: CheckoutSession) -> HttpResponse:
    # 303: the browser follows with GET, whatever method it came with.
    return HttpResponseRedirect(session.paid_url(), status=303)


def _expired(session: CheckoutSession) -> HttpResponse:
    return page("closed.html", {"reason": "expired", "session": session}, status=410)


def _form_page(form: PayForm, session: CheckoutSession, *, status: int) -> HttpResponse:
    context = {
        "form": form,
        "session": session,
        "total": display_amount(session.amount_total),
    }
    return page("pay.html", context, status=status, leads_to=session.success_url)


def page(
    template: str, context: dict[str, Any], *, status: int = 200, leads_to: str = ""
) -> HttpResponse:
    """Render a page that loads nothing from other hosts and posts to no other host.

    Chromium applies `form-action` to the redirect after a POST too: `leads_to` is allowed.
    """
    html = render_to_string(f"stripe_sandbox/{template}", _METHODS | context)
    response = HttpResponse(html, status=status)
    parts = urlsplit(leads_to)
    destination = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action 'self'{destination}"
    )
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
