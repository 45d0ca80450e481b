"""The page of a person's own: balance, invitation, friends, and buying more."""

from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

import segno
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from gatewayz.site.buying import buy_form, leads_to_stripe
from gatewayz.site.claim import claim_form
from gatewayz.site.people import PersonRequest, own_page
from gatewayz.site.statement import cursor, entries
from payments.explanations.answers import PersonAnswer, explain_person
from payments.explanations.messages import Audience
from payments.explanations.referees import LISTED_REFEREES, Referee, State, referees_of
from referrals import codes, reports
from referrals.eligibility import Status
from referrals.invitations import invite_link, share_message
from referrals.models import Program, Referral

_LATEST_ENTRIES = 5
# The word and the look of each state.
_STATES = {
    State.PENDING: ("Not yet", "waiting"),
    State.COMPLETED: ("Bonus paid", "good"),
    State.HELD: ("Under review", "waiting"),
    State.REVERSED: ("Taken back", "bad"),
    State.VOIDED: ("Not granted", "bad"),
    State.NOT_COUNTED: ("No bonus", "bad"),
}
_CHECKS = {
    Status.PASSED: ("Yes", "good"),
    Status.FAILED: ("No", "bad"),
    Status.NOT_CHECKED: ("Not asked", ""),
}


@own_page
@leads_to_stripe
def dashboard(request: PersonRequest) -> HttpResponse:
    """Show everything that a person wants to know at a glance."""
    user, now = request.user, timezone.now()
    code = codes.ensure_code(user, now=now)
    terms = Program.objects.at(now).get()
    link = invite_link(code)
    message = share_message(code, terms.referee_bonus)
    answer = explain_person(user, Audience.PERSON, cents=None, now=now)
    context = {
        "form": buy_form(),
        "stats": reports.stats(user, now=now),
        "terms": terms,
        "code": code,
        "link": link,
        "message": message,
        "shares": _shares(message),
        "qr": _qr_inline(link),
        "claim_form": claim_form(request, user),
        **_own_bonus(answer),
        "entries": entries(user, _LATEST_ENTRIES),
        **_friends(answer.referees),
    }
    return render(request, "site/dashboard.html", context)


def _shares(message: str) -> list[tuple[str, str]]:
    """Return the ways to share that need no script, each with its address."""
    text = urlencode({"text": message})
    mail = urlencode({"subject": "An invitation to Gatewayz", "body": message}, quote_via=quote)
    return [
        ("Mail", f"mailto:?{mail}"),
        ("WhatsApp", f"https://wa.me/?{text}"),
        ("X", f"https://x.com/intent/post?{text}"),
    ]


def _own_bonus(answer: PersonAnswer) -> dict[str, Any]:
    """Return what the person's own invitation brought or would bring now, and why."""
    lines = answer.checks or answer.what_if.checks
    referral = answer.purchases[0].payment.referral if answer.purchases else None
    return {
        "summary": answer.summary,
        "has_bonus": referral is not None and referral.status == Referral.Status.COMPLETED,
        "checks": [(*_CHECKS[line.result.status], line.sentence) for line in lines],
    }


def _friends(referees: list[Referee]) -> dict[str, Any]:
    is_full = len(referees) == LISTED_REFEREES
    return {
        "friends": [(referee, *_STATES[referee.state]) for referee in referees],
        "more_friends": referees[-1].user_id if is_full else None,
    }


@own_page
def friends(request: PersonRequest) -> HttpResponse:
    """Show a page of friends, the newest first."""
    now, before = timezone.now(), cursor(request)
    found = referees_of(request.user, Audience.PERSON, now=now, before=before)
    return render(request, "site/friends.html", _friends(found))


@own_page
def qr_code(request: PersonRequest) -> HttpResponse:
    """Send the invite link as a QR code, to print."""
    code = codes.ensure_code(request.user, now=timezone.now())
    picture = BytesIO()
    _qr(invite_link(code)).save(picture, kind="svg", scale=10, light="#fff")
    return HttpResponse(
        picture.getvalue(),
        content_type="image/svg+xml",
        headers={"Content-Disposition": f'attachment; filename="gatewayz-{code}.svg"'},
    )


def _qr(link: str) -> segno.QRCode:
    return segno.make(link, error="m", micro=False)


# To draw it takes a tenth of the page's time.
@lru_cache(maxsize=1000)
def _qr_inline(link: str) -> str:
    svg: str = _qr(link).svg_inline(omitsize=True, light="#fff")
    return svg
