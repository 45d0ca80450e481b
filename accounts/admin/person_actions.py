"""Deactivates and reactivates people, after saying what that means and asking why."""

from collections.abc import Callable
from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import people
from accounts.authentication import operator
from accounts.models import User
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm, refuse
from gatewayz.adminbase.formatting import page_of
from gatewayz.adminbase.model_admin import ModelAdmin

_DEACTIVATE = Question(
    title="Deactivate",
    consequences=[
        "The person's API keys stop working, and the person cannot log in.",
        "Invitations with the person's code earn nothing: friends keep their purchases, no more.",
        "The balance, the ledger and everything else stay as they are. Nobody is ever deleted.",
        "You can reactivate the account at any time; the keys work again then.",
    ],
    button="Deactivate",
)
_REACTIVATE = Question(
    title="Reactivate",
    consequences=[
        "The API keys that were not revoked work again, and the person can log in.",
        "Friends who qualify from now on earn the bonus again, on both sides.",
        "What was not earned in the meantime is not made up for.",
    ],
    button="Reactivate",
    variant="primary",
)
SWITCHES: dict[str, tuple[Question, Callable[..., User]]] = {
    "deactivate": (_DEACTIVATE, people.deactivate),
    "reactivate": (_REACTIVATE, people.reactivate),
}
_REFUSALS = (people.OwnAccountError, people.SuperuserRequiredError)


def switch(page: ModelAdmin, request: HttpRequest, person: User, verb: str) -> HttpResponse:
    """Deactivate or reactivate a person."""
    question, change = SWITCHES[verb]
    by, back = operator(request), page_of(person)
    try:
        people.require_may_deactivate(person, by=by)
    except _REFUSALS as refusal:
        return refuse(request, refusal, back=back)

    def act(reason: str) -> str:
        change(person, by=by, reason=reason, now=timezone.now())
        return f"{person} is {verb}d."

    named = replace(question, title=f"{question.title} {person}")
    return confirm(page, request, named, ReasonForm, act, back=back, refusals=_REFUSALS)
