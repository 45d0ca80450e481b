"""Deactivates people, and sets an inviter, after saying what that means and asking why."""

from collections.abc import Callable

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import people
from accounts.authentication import operator
from accounts.models import User
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm, refuse
from gatewayz.adminbase.formatting import page_of
from gatewayz.adminbase.model_admin import ModelAdmin, row_action
from referrals import attribution

_CONSEQUENCES = {
    "deactivate": [
        "The person's API keys stop working, and the person cannot log in.",
        "Invitations with the person's code earn nothing: friends keep their purchases, no more.",
        "The balance, the ledger and everything else stay as they are. Nobody is ever deleted.",
        "You can reactivate the account at any time; the keys work again then.",
    ],
    "reactivate": [
        "The API keys that were not revoked work again, and the person can log in.",
        "Friends who qualify from now on earn the bonus again, on both sides.",
        "What was not earned in the meantime is not made up for.",
    ],
}
_REFUSALS = (people.ErasedError, people.OwnAccountError, people.SuperuserRequiredError)


def switch(description: str, icon: str, change: Callable[..., User]) -> Callable[..., HttpResponse]:
    """Return the action that asks for the reason, and then deactivates or reactivates a person."""
    verb = change.__name__

    @row_action(description, icon, "accounts.deactivate_user")
    def ask(page: ModelAdmin, request: HttpRequest, person: User) -> HttpResponse:
        by, back = operator(request), page_of(person)
        try:
            people.require_may_deactivate(person, by=by)
        except _REFUSALS as refusal:
            return refuse(request, refusal, back=back)

        def act(reason: str) -> str:
            change(person, by=by, reason=reason, now=timezone.now())
            return f"{person} is {verb}d."

        question = Question(
            title=f"{verb.capitalize()} {person}",
            consequences=_CONSEQUENCES[verb],
            button=verb.capitalize(),
            variant="danger" if verb == "deactivate" else "primary",
        )
        return confirm(page, request, question, ReasonForm, act, back=back, refusals=_REFUSALS)

    return ask


class InviterForm(ReasonForm):
    """Asks for the inviter's code."""

    code = forms.CharField(label="The inviter's code", widget=UnfoldAdminTextInputWidget())
    field_order = ("code", "reason")


class CodeRefusedError(Exception):
    """The code cannot be used."""


@row_action("Set inviter…", "person_add", "accounts.set_inviter")
def set_inviter(page: ModelAdmin, request: HttpRequest, person: User) -> HttpResponse:
    """Ask for the code and the reason, and then set the missing inviter."""
    by, back = operator(request), page_of(person)
    try:
        attribution.require_may_claim(person, now=timezone.now())
    except attribution.ClaimRefusedError as refusal:
        return refuse(request, refusal, back=back)

    def act(code: str, reason: str) -> str:
        now = timezone.now()
        claimed = attribution.set_inviter(person, code, by=by, reason=reason, now=now)
        if claimed.owner is None:
            raise CodeRefusedError(claimed.refusal)
        return f"{person} is invited by {claimed.owner}."

    question = Question(
        title=f"Set the inviter of {person}",
        consequences=[
            "The first purchase that qualifies brings the bonus to both, by the terms of today.",
            "The inviter can never be changed or removed.",
        ],
        button="Set the inviter",
        variant="primary",
    )
    refusals = (
        CodeRefusedError,
        attribution.ClaimRefusedError,
        attribution.OwnInvitationError,
        people.SuperuserRequiredError,
    )
    return confirm(page, request, question, InviterForm, act, back=back, refusals=refusals)
