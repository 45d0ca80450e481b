"""The hosted payment page: where a payer's card meets a checkout session."""

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


class SeeOther(HttpResponseRedirect):
    """Send the browser on by GET, whatever it came with."""

    status_code = 303


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("card_number", "card_cvc", "account_number")
def pay_page(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show the page, or take the payment."""
    session = CheckoutSession.objects.filter(stripe_id=session_id).first()
    if session is None:
        return page("closed.html", {"reason": "unknown"}, status=404)
    if request.method == "POST":
        return _take_payment(request, session)
    return _show(session)


def _show(session: CheckoutSession) -> HttpResponse:
    now = timezone.now()
    if session.status == CheckoutSession.Status.COMPLETE:
        return page("closed.html", {"reason": "complete", "session": session})
    if session.status == CheckoutSession.Status.EXPIRED or session.expires_at <= now:
        return _closed(session)
    form = PayForm(None, session=session, today=now.date())
    return _form_page(form, status=200)


@sensitive_variables("form")
def _take_payment(request: HttpRequest, session: CheckoutSession) -> HttpResponse:
    now = timezone.now()
    form = PayForm(request.POST, session=session, today=now.date())
    if session.status == CheckoutSession.Status.COMPLETE:
        return SeeOther(session.paid_url())
    if not form.is_valid():
        is_declined = form.has_error("card_number", "declined")
        return _form_page(form, status=402 if is_declined else 400)
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
        return _form_page(form, status=402)
    except checkout.SessionIsClosed as closed:
        return _closed(closed.session)
    return SeeOther(paid.paid_url())


def _closed(session: CheckoutSession) -> HttpResponse:
    """Send the payer on when somebody paid meanwhile; else tell that it is too late."""
    if session.status == CheckoutSession.Status.COMPLETE:
        return SeeOther(session.paid_url())
    return page("closed.html", {"reason": "expired", "session": session}, status=410)


def _form_page(form: PayForm, *, status: int) -> HttpResponse:
    session = form.session
    total = display_amount(session.amount_total, session.currency)
    context = {
        "form": form,
        "session": session,
        "total": total,
        "items": [_line(item) for item in session.line_items],
        "takes_card": "card" in session.payment_method_types,
        "takes_bank": "us_bank_account" in session.payment_method_types,
        "cards": TEST_CARDS,
        "paying_account": PAYING_ACCOUNT,
        "failing_account": FAILING_ACCOUNT,
    }
    return page("pay.html", context, status=status, goes_to=session.success_url)


def _line(item: dict[str, Any]) -> dict[str, Any]:
    price = item["price_data"]
    return {
        "name": price["product_data"]["name"],
        "description": price["product_data"].get("description", ""),
        "quantity": item["quantity"],
        "amount": display_amount(price["unit_amount"] * item["quantity"], price["currency"]),
    }


def page(
    template: str, context: dict[str, Any], *, status: int = 200, goes_to: str = ""
) -> HttpResponse:
    """Render a page that loads nothing from other hosts and posts to nobody else.

    Chromium holds `form-action` against the redirect after a POST too, hence `goes_to`.
    """
    response = HttpResponse(render_to_string(f"stripe_sandbox/{template}", context), status=status)
    parts = urlsplit(goes_to)
    destination = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action 'self'{destination}"
    )
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
