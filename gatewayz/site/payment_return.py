"""The pages to which Stripe leads a buyer back."""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.money import from_cents
from gatewayz.site.buying import buy_form, leads_to_stripe
from payments.explanations.answers import explain_purchases
from payments.explanations.messages import Audience
from payments.models import Payment, PaymentQuerySet
from referrals.eligibility import Decision
from referrals.models import Referral

_SESSION_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_FEW = re.compile(r"[0-9]{1,2}", re.ASCII)
# The page looks again so often, for a minute in all; then it is for the person to look again.
_LOOKS = 20
_SECONDS_BETWEEN_LOOKS = 3


@never_cache
@require_safe
def success(request: HttpRequest) -> HttpResponse:
    """Tell the buyer what was credited, or wait for the webhook; tell anybody else nothing."""
    session_id = request.GET.get("session_id", "")
    is_id = _SESSION_ID.fullmatch(session_id)
    payment = _payments_of(request).filter(session_id=session_id).first() if is_id else None
    if payment is None:
        return render(request, "payment/success.html")
    if payment.status == Payment.Status.PAID:
        return render(request, "payment/credited.html", _credited(payment))
    amount = from_cents(payment.amount)
    context = {"payment": payment, "amount": amount, "is_over": _is_over(payment)}
    if context["is_over"] or payment.completed_at:
        return render(request, "payment/waiting.html", context)
    looks = request.GET.get("looks", "")
    seen = int(looks) if _FEW.fullmatch(looks) else 0
    context["is_looking"] = seen < _LOOKS
    response = render(request, "payment/waiting.html", context)
    if context["is_looking"]:
        # By a header, because it needs no script, and a screen reader is not told of it.
        again = urlencode({"session_id": session_id, "looks": seen + 1})
        response.headers["Refresh"] = f"{_SECONDS_BETWEEN_LOOKS}; url={request.path}?{again}"
    return response


def _payments_of(request: HttpRequest) -> PaymentQuerySet:
    if not isinstance(request.user, User):
        return Payment.objects.none()
    return Payment.objects.filter(user=request.user).select_related("user")


def _is_over(payment: Payment) -> bool:
    return payment.status in {Payment.Status.FAILED, Payment.Status.EXPIRED}


def _credited(payment: Payment) -> dict[str, Any]:
    """Return what the purchase brought, and why no bonus if it could have brought one."""
    [answer] = explain_purchases(Payment.objects.filter(pk=payment.pk), Audience.PERSON)
    referral = answer.payment.referral
    is_held = referral is not None and referral.status == Referral.Status.HELD
    paid, bonus = from_cents(payment.amount), Decimal(0)
    if referral and referral.status == Referral.Status.COMPLETED:
        bonus = referral.referee_bonus_amount
    is_hoped_for = payment.user.referred_by_code and payment.bonus_decision != Decision.NOT_FIRST
    return {
        "paid": paid,
        "bonus": bonus,
        "total": paid + bonus,
        "taken_back": from_cents(payment.taken_back),
        "balance": payment.user.credits,
        "is_held": is_held,
        "no_bonus": answer.summary if is_hoped_for and not bonus and not is_held else "",
    }


@never_cache
@require_safe
@leads_to_stripe
def cancel(request: HttpRequest) -> HttpResponse:
    """Say that nothing was charged, and offer the purchase that was begun last once more."""
    begun = _payments_of(request).filter(status=Payment.Status.PENDING).order_by("-pk").first()
    form = buy_form(begun.amount if begun else None) if request.user.is_authenticated else None
    return render(request, "payment/cancel.html", {"form": form})
