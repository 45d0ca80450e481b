"""The page on which a second person approves or rejects waiting terms."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit import ReasonMissingError
from accounts.authentication import operator
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm
from gatewayz.adminbase.formatting import moment, page_of
from gatewayz.adminbase.model_admin import ModelAdmin
from referrals.errors import ReferralError
from referrals.models import Program
from referrals.terms import approve_terms, reject_terms

_DECIDE = {"approve": approve_terms, "reject": reject_terms}


def answer(
    page: ModelAdmin,
    request: HttpRequest,
    terms: Program,
    verb: str,
    promises: list[tuple[str, Any]],
) -> HttpResponse:
    """Ask for the reason, and then approve or reject."""

    def act(reason: str) -> str:
        by, now = operator(request), timezone.now()
        decided = _DECIDE[verb](terms.pk, by=by, note=reason, now=now)
        if decided.status == Program.Status.REJECTED:
            return "Rejected; the terms before them go on."
        return f"Approved; they start on {moment(decided.starts_at)} UTC."

    has_passed = verb == "approve" and terms.starts_at <= timezone.now()
    question = Question(
        title=f"{verb.capitalize()} the terms from {moment(terms.starts_at)} UTC",
        consequences=["Their start has passed: they start now."] if has_passed else [],
        facts=[*promises, ("Added by", str(terms.requested_by))],
        button=verb.capitalize(),
        variant="primary" if verb == "approve" else "danger",
    )
    refusals = (ReferralError, ReasonMissingError)
    back = page_of(terms)
    return confirm(page, request, question, ReasonForm, act, back=back, refusals=refusals)
