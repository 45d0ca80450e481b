"""The page of an invitation, on which a visitor signs up (CONTRACT 8)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts import limits, people, throttling
from accounts.authentication import operator
from accounts.models import User
from accounts.names import LooksLikeStaffError, MixedScriptsError
from accounts.registration import NameTakenError
from gatewayz.http.client_address import client_address
from gatewayz.site import invitation_cookie
from gatewayz.site.forms import SignUpForm
from gatewayz.site.people import begin_session, with_form
from referrals import attribution, codes, invite_views
from referrals.attribution import CheckedCode, Refusal
from referrals.invitations import promise
from referrals.models import Program

# What the field says to a code that cannot be used.
_REFUSALS = {
    Refusal.NOT_FOUND: "There is no such code. Correct it, or leave the field empty.",
    Refusal.EXHAUSTED: "This code has been used as often as it may be. Leave the field empty.",
}
_ONE_VIEW_IN = timedelta(days=1)


# A log-in changes the CSRF token, so the form of a new person, sent again by loading the page of
# the key again, has an old one. Without a log-in `_register` checks it.
@csrf_exempt
@never_cache
@with_form
def sign_up(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    if request.user.is_authenticated:
        return _answer_person(request, now)
    if request.method == "POST":
        return _register(request, now)
    code = _invitation(request)
    checked = _look_at(request, code, now) if code else CheckedCode()
    initial = {"referral_code": code if checked.owner else ""}
    return _show(request, SignUpForm(initial=initial), code, checked, now)


def _invitation(request: HttpRequest) -> str:
    """Return the code of the link, or of the link that the visitor followed before."""
    linked = request.GET.get("ref") or request.GET.get("referral")
    return linked or invitation_cookie.read(request)


def _look_at(request: HttpRequest, code: str, now: datetime) -> CheckedCode:
    """Check the code of a link, and count a view of it, once a day for each address.

    Raises TooManyRequests: it tells who has which code, as `/referral/validate` does.
    """
    throttling.limit_address("validate", request)
    caller = f"{client_address(request)} {codes.normalize(code)}"
    find = invite_views.find_and_count
    try:
        limits.count(action="view invitation", caller=caller, limit=1, period=_ONE_VIEW_IN, now=now)
    except limits.LimitReachedError:
        find = codes.find
    return attribution.check_code(find(code, now=now))


def _check(code: str, now: datetime, person: User | None = None) -> CheckedCode:
    if not code:
        return CheckedCode()
    return attribution.check_code(codes.find(code, now=now), person=person)


@csrf_protect
def _register(request: HttpRequest, now: datetime) -> HttpResponse:
    form = SignUpForm(request.POST)
    code = request.POST.get("referral_code", "").strip()
    try:
        throttling.limit_address("register", request)
    except throttling.TooManyRequests as refusal:
        status = form.refuse(refusal)
        return _show(request, form, code, CheckedCode(), now, status=status)
    checked = _check(code, now)
    if checked.refusal:
        form.add_error("referral_code", _REFUSALS[checked.refusal])
    registration = _create(request, form, now) if form.is_valid() else None
    if registration is None:
        return _show(request, form, code, checked, now)
    # The key is in this answer and nowhere else. Loading the page again sends the form again, to
    # which `_answer_person` answers.
    response = render(request, "site/welcome.html", {"registration": registration})
    invitation_cookie.forget(response)
    return response


def _create(
    request: HttpRequest, form: SignUpForm, now: datetime
) -> attribution.Registration | None:
    """Create the account and log in, or say on the form why not."""
    data = form.cleaned_data
    try:
        with transaction.atomic():
            registration = attribution.register(
                username=data["username"],
                email=data["email"],
                auth_method="email",
                invitation=data["referral_code"],
                address=client_address(request),
                now=now,
            )
            user = registration.user
            people.update_preferences(user, show_to_referrer=data["show_to_referrer"])
            begin_session(request, user)
    except NameTakenError as error:
        form.add_error(error.field, "Somebody has this already. If it is you, log in instead.")
    except (MixedScriptsError, LooksLikeStaffError) as error:
        form.add_error("username", f"{capfirst(str(error))}.")
    else:
        return registration
    return None


def _show(
    request: HttpRequest,
    form: SignUpForm,
    code: str,
    checked: CheckedCode,
    now: datetime,
    *,
    status: int = 200,
) -> HttpResponse:
    terms = Program.objects.at(now).get()
    return _page(
        request,
        "site/sign_up.html",
        code,
        checked,
        status=status,
        form=form,
        promise=promise(terms, checked.owner.username) if checked.owner else "",
        terms=terms,
        offer_ends=terms.offer_ends(now),
    )


def _answer_person(request: HttpRequest, now: datetime) -> HttpResponse:
    """Say to who is logged in that they have an account, and what the code is to them."""
    person = operator(request)
    code = _invitation(request)
    if code:
        throttling.limit_address("validate", request)
    checked = _check(code, now, person)
    return _page(request, "site/sign_up_again.html", code, checked)


def _page(
    request: HttpRequest,
    template: str,
    code: str,
    checked: CheckedCode,
    *,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    """Show what the code is, and remember it if it can be used."""
    words = {"code": code, "referrer": checked.owner, "refusal": checked.refusal, **more}
    response = render(request, template, words, status=status)
    if checked.owner and checked.owner.referral_code:
        invitation_cookie.keep(response, checked.owner.referral_code)
    return response
