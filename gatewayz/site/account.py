"""A person's settings: API keys and preferences."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from accounts import api_keys, people, throttling, tokens
from accounts.models import ApiKey
from accounts.preferences import EmailKind
from accounts.views import TOO_MANY_KEYS
from gatewayz.site import embed
from gatewayz.site.forms import SEEN_BY_REFERRER, Form
from gatewayz.site.people import PersonRequest, own_form, own_page


class KeyForm(Form):
    """The name of a new key."""

    name = forms.CharField(
        max_length=100, help_text="To know it again, like the name of the program that uses it."
    )


class PreferencesForm(Form):
    """What a person chooses for themselves."""

    show_on_leaderboard = forms.BooleanField(
        label="Show my user name on the leaderboard", required=False
    )
    show_to_referrer = forms.ChoiceField(
        label="Whoever invited me sees",
        choices=SEEN_BY_REFERRER,
        widget=forms.RadioSelect,
    )
    emails = forms.MultipleChoiceField(
        label="E-mail me",
        choices=[
            (EmailKind.WELCOME, "a welcome"),
            (EmailKind.FRIEND_SIGNED_UP, "when a friend signs up with my code"),
            (EmailKind.BONUS_EARNED, "when I get a bonus"),
            (EmailKind.BONUS_TAKEN_BACK, "when a bonus is taken back or under review"),
            (EmailKind.ADJUSTMENT, "when my balance is adjusted by hand"),
        ],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


@own_page
def account(request: PersonRequest) -> HttpResponse:
    return _page(request)


def _page(request: PersonRequest, *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
    user, chosen = request.user, people.preferences(request.user)
    chosen["emails"] = [kind for kind, is_on in chosen["emails"].items() if is_on]
    context = {
        "keys": api_keys.valid_keys(user, now=timezone.now()).order_by("-pk"),
        "key_form": KeyForm(),
        "preferences_form": PreferencesForm(initial=chosen),
        "embed_origins": settings.EMBED_ORIGINS,
        **context,
    }
    return render(request, "site/account.html", context, status=status)


@own_form
def make_key(request: PersonRequest) -> HttpResponse:
    """Make a key, and show it this once."""
    if request.method != "POST":
        return _page(request)
    form = KeyForm(request.POST)
    status: int = HTTPStatus.BAD_REQUEST
    if form.is_valid():
        name, now = form.cleaned_data["name"], timezone.now()
        try:
            throttling.limit_person(request.user.pk)
            _, text = api_keys.create_within_limit(user=request.user, name=name, now=now)
            return _page(request, new_key=text)
        except api_keys.TooManyKeysError:
            form.add_error(None, TOO_MANY_KEYS)
        except throttling.TooManyRequests as refusal:
            status = form.refuse(refusal)
    return _page(request, key_form=form, status=status)


@own_form
def show_snippet(request: PersonRequest) -> HttpResponse:
    """Show the HTML with which another site shows the person's stats, until its token ends."""
    if request.method != "POST" or not settings.EMBED_ORIGINS:
        return _page(request)
    token = tokens.create(request.user, tokens.Scope.STATS)
    return _page(request, snippet=embed.snippet(request, token))


@own_form
def revoke_key(request: PersonRequest, pk: int) -> HttpResponse:
    """Revoke a key; the last one after a warning."""
    now = timezone.now()
    key: ApiKey = get_object_or_404(api_keys.valid_keys(request.user, now=now), pk=pk)
    if request.method != "POST":
        return render(request, "site/revoke_key.html", {"key": key})
    try:
        api_keys.revoke_own(key, allow_last="confirm" in request.POST, now=now)
    except api_keys.LastKeyError:
        return render(request, "site/revoke_key.html", {"key": key, "is_last": True})
    messages.success(request, f"The key {key.prefix}… is revoked.")
    return redirect("account")


@own_form
def change_preferences(request: PersonRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return _page(request, preferences_form=form, status=HTTPStatus.BAD_REQUEST)
    chosen = form.cleaned_data
    is_on = chosen.pop("emails")
    emails = {kind.value: kind in is_on for kind in EmailKind}
    people.update_preferences(request.user, emails=emails, **chosen)
    messages.success(request, "Your preferences are saved.")
    return redirect("account")
