"""Claiming the invitation of a friend after signing up (CONTRACT 2.2)."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst

from accounts import throttling
from accounts.models import User
from gatewayz.site import invitation_cookie
from gatewayz.site.forms import ClaimForm
from gatewayz.site.people import PersonRequest, own_form
from referrals import attribution


def claim_form(request: HttpRequest, user: User) -> ClaimForm | None:
    """Return the form while the person can claim a code, filled in with that of the last link."""
    try:
        attribution.require_may_claim(user, now=timezone.now())
    except attribution.ClaimRefusedError:
        return None
    return ClaimForm(initial={"referral_code": invitation_cookie.read(request)})


@own_form
def claim(request: PersonRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "site/claim.html", {"form": claim_form(request, request.user)})
    form = ClaimForm(request.POST)
    status: int = HTTPStatus.BAD_REQUEST
    try:
        # As often as codes may be validated, because it tells as well which codes there are.
        throttling.limit_address("validate", request)
        if form.is_valid() and _claim(request.user, form):
            messages.success(request, "The invitation counts for your first purchase.")
            response = redirect("dashboard")
            invitation_cookie.forget(response)
            return response
    except throttling.TooManyRequests as refusal:
        status = form.refuse(refusal)
    return render(request, "site/claim.html", {"form": form}, status=status)


def _claim(user: User, form: ClaimForm) -> bool:
    """Claim the code, or say on the form why not."""
    try:
        claimed = attribution.claim(user, form.cleaned_data["referral_code"], now=timezone.now())
    except attribution.ClaimRefusedError as error:
        form.add_error(None, f"{capfirst(error.sentence)}.")
        return False
    if claimed.refusal:
        form.add_error("referral_code", f"{claimed.refusal}.")
    return claimed.owner is not None
