"""What operators do to people and keys: a form that says what it means, and asks for a reason."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import api_keys, people
from accounts.api_keys import State
from accounts.authentication import operator
from accounts.models import ApiKey, User
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, ask
from gatewayz.adminbase.model_admin import ModelAdmin


class RotationForm(ReasonForm):
    """Asks why, and how long the old key still works."""

    grace = forms.TypedChoiceField(
        label="The old key works for",
        coerce=int,
        choices=[
            *(("", "Choose…"), (1, "an hour"), (24, "a day"), (168, "a week")),
            (0, "not a moment more"),
        ],
        widget=UnfoldAdminSelectWidget(),
        help_text="Time in which the new key is put where the old one was.",
    )


_DEACTIVATE = Question(
    title="Deactivate {name}",
    consequences=[
        "No API key of the person opens the door any more, and the person cannot log in.",
        "Invitations with the person's code earn nothing: friends keep their purchases, no more.",
        "The balance, the ledger and everything else stay as they are. Nobody is ever deleted.",
        "You can reactivate the account at any time; the keys work again then.",
    ],
    button="Deactivate",
)
_REACTIVATE = Question(
    title="Reactivate {name}",
    consequences=[
        "The API keys that were not revoked work again, and the person can log in.",
        "Friends who qualify from now on earn the bonus again, on both sides.",
        "What was not earned in the meantime is not made up for.",
    ],
    button="Reactivate",
    variant="primary",
)
_Switch = Callable[..., User]
_SWITCHES: dict[str, tuple[Question, _Switch]] = {
    "deactivate": (_DEACTIVATE, people.deactivate),
    "reactivate": (_REACTIVATE, people.reactivate),
}


def switch(page: ModelAdmin, request: HttpRequest, pk: int, *, verb: str) -> HttpResponse:
    """Deactivate or reactivate a person."""
    _require(request, "accounts.deactivate_user")
    person = get_object_or_404(User, pk=pk)
    question, change = _SWITCHES[verb]
    back = reverse("admin:accounts_user_change", args=[pk])
    form = ReasonForm(request.POST or None)
    try:
        people.require_may_deactivate(person, by=operator(request))
        if not form.is_valid():
            named = replace(question, title=question.title.format(name=person))
            return ask(page, request, named, form, back=back)
        change(person, by=operator(request), reason=form.cleaned_data["reason"], now=timezone.now())
    except (people.OwnAccountError, people.SuperuserRequiredError) as refusal:
        messages.error(request, f"Nothing was done: {refusal}.")
    else:
        messages.success(request, f"{person} is {verb}d.")
    return HttpResponseRedirect(back)


def done_to(key: ApiKey, *, now: datetime) -> tuple[str, ...]:
    """Return what can be done to the key, which depends on whether it still opens the door."""
    possible = {State.IN_USE: ("revoke", "rotate"), State.ENDING: ("revoke",), State.REVOKED: ()}
    return possible[api_keys.state(key, now=now)]


def revoke(page: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Make a key useless."""
    key, back = _key(request, pk)
    question = Question(
        title=f"Revoke {key.prefix}… of {key.user}",
        consequences=[
            "Whoever calls the API with this key is refused from this moment on, for good.",
            "The person's other keys go on to work; a new one is made with any of them.",
        ],
        button="Revoke the key",
    )
    form = ReasonForm(request.POST or None)
    if not form.is_valid():
        return ask(page, request, question, form, back=back)
    reason = form.cleaned_data["reason"]
    try:
        api_keys.revoke(key, by=operator(request), reason=reason, now=timezone.now())
    except people.SuperuserRequiredError as refusal:
        messages.error(request, f"Nothing was done: {refusal}.")
    else:
        messages.success(request, f"The key {key.prefix}… is revoked.")
    return HttpResponseRedirect(back)


def rotate(page: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Make a key in the place of another, and show it this once.

    Somebody who lost every key cannot make one by the API. So an operator hands one over, and the
    audit log knows who may have read it. It stands in this answer alone: not in the session, not
    behind a link, and reloading the page does not make another.
    """
    key, back = _key(request, pk)
    question = Question(
        title=f"Rotate {key.prefix}… of {key.user}",
        consequences=[
            "A new key takes the place of this one, which stops when the time below is over.",
            "You see the new key once, and hand it over: only to the person, only on a way that "
            "you know is the person's own. Never ask anybody for a key.",
            "Who still has a working key makes and revokes keys alone, and need not show them.",
        ],
        button="Make a new key",
    )
    form = RotationForm(request.POST or None)
    if not form.is_valid():
        return ask(page, request, question, form, back=back)
    return _rotated(page, request, key, form, back)


def _rotated(
    page: ModelAdmin, request: HttpRequest, key: ApiKey, form: forms.Form, back: str
) -> HttpResponse:
    grace = timedelta(hours=form.cleaned_data["grace"])
    now = timezone.now()
    try:
        new, text = api_keys.rotate(
            key, by=operator(request), reason=form.cleaned_data["reason"], now=now, grace=grace
        )
    except (api_keys.KeyNotInUseError, people.SuperuserRequiredError) as refusal:
        messages.error(request, f"No key was made: {refusal}.")
        return HttpResponseRedirect(back)
    context = {
        **page.admin_site.each_context(request),
        "title": f"A new key for {key.user}",
        "opts": page.opts,
        "key": new,
        "text": text,
        "old": key,
        "old_ends_at": now + grace,
        "back": back,
    }
    return TemplateResponse(request, "admin/accounts/new_key.html", context)


def _key(request: HttpRequest, pk: int) -> tuple[ApiKey, str]:
    """Return the key and its owner's page, if this operator may manage keys."""
    _require(request, "accounts.manage_keys")
    key = get_object_or_404(ApiKey.objects.select_related("user"), pk=pk)
    return key, f"{reverse('admin:accounts_user_change', args=[key.user_id])}#keys"


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
