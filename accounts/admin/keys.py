"""The list of API keys, of which only the prefix is shown; and how keys are revoked and rotated."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import api_keys, people
from accounts.admin import search
from accounts.api_keys import State
from accounts.authentication import operator
from accounts.models import ApiKey, User
from accounts.reason_field import ReasonForm
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.confirmation import Question, confirm
from gatewayz.adminbase.filters import DayFilter
from gatewayz.adminbase.formatting import NOTHING, link, page_of, when
from gatewayz.adminbase.model_admin import Columns, ModelAdmin, ReadOnlyAdmin, row_action
from payments.search import keys_found_by


class RotationForm(ReasonForm):
    """Asks why, and how long the old key still works."""

    grace = forms.TypedChoiceField(
        label="The old key works for",
        coerce=int,
        choices=[
            *(("", "Choose…"), (1, "an hour"), (24, "a day"), (168, "a week")),
            (0, "Stop immediately"),
        ],
        widget=UnfoldAdminSelectWidget(),
        help_text="Time to replace the old key by the new one.",
    )


_HANDING_OVER = [
    "You see the new key once, and hand it over: only to the person, only on a way that you know "
    "is the person's own. Never ask anybody for a key.",
]
column = Columns(ApiKey)


@admin.register(ApiKey)
class ApiKeyAdmin(search.KeyTruncatingAdmin, ReadOnlyAdmin):
    list_display = ("shown_prefix", "called", "owner", "state", "created", "last_used", "ends")
    linked_by = ("user",)
    list_filter = (("created_at", DayFilter),)
    exported: ClassVar = {
        "id": "pk",
        "prefix": "prefix",
        "name": "name",
        "user_id": "user_id",
        "username": "user__username",
        "created_at": "created_at",
        "last_used_at": "last_used_at",
        "revoked_at": "revoked_at",
    }
    list_select_related = ("user",)
    search_help_text = "Part of the owner's name or e-mail, or the beginning of the key"
    fields = ("shown_prefix", "name", "owner", "state", "created", "last_used", "ends")
    readonly_fields = fields
    actions_detail = ("revoke", "rotate")

    shown_prefix = column(
        "Key",
        lambda key: format_html('<span class="desk-code">{}…</span>', key.prefix),
        ordering="prefix",
    )
    called = column("Name", lambda key: key.name or NOTHING)
    owner = column("Owner", lambda key: link(key.user))
    state = column(
        "State", lambda key: status_badges.word_badge(api_keys.state(key, now=timezone.now()))
    )
    created = column("Created", lambda key: when(key.created_at))
    last_used = column("Last used", lambda key: when(key.last_used_at))
    ends = column("Expires", lambda key: when(key.revoked_at))

    def heading(self, obj: ApiKey) -> str:
        return f"Key {obj.prefix}…"

    def found_by(self, term: str) -> list[Q]:
        return keys_found_by(term)

    def offers(self, action: str, request: HttpRequest, row: ApiKey) -> bool:
        is_theirs = people.is_manageable(row.user, by=operator(request))
        return is_theirs and action in possible_actions(row, now=timezone.now())

    @row_action("Revoke…", "block", "accounts.manage_keys")
    def revoke(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        """Make a key useless."""

        def act(reason: str) -> str:
            api_keys.revoke(key, by=operator(request), reason=reason, now=timezone.now())
            return f"The key {key.prefix}… is revoked."

        question = Question(
            title=f"Revoke {key.prefix}… of {key.user}",
            consequences=[
                "Whoever calls the API with this key is refused from this moment on, for good.",
                "The person's other keys go on to work; a new one is made with any of them.",
            ],
            button="Revoke the key",
        )
        refusals = (people.SuperuserRequiredError,)
        back = _keys_of(key.user)
        return confirm(self, request, question, ReasonForm, act, back=back, refusals=refusals)

    @row_action("Rotate…", "autorenew", "accounts.manage_keys")
    def rotate(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        """Replace a key by a new one, and show the new one this once.

        Somebody who lost every key cannot make one by the API. So an operator hands one over, and
        the audit log knows who may have read it. It is in this answer alone: not in the session,
        not behind a link, and reloading the page does not make another.
        """

        def act(grace: int, reason: str) -> HttpResponse:
            now, time_left = timezone.now(), timedelta(hours=grace)
            by = operator(request)
            made = api_keys.rotate(key, by=by, reason=reason, now=now, grace=time_left)
            return _show(self, request, *made, old=key, old_ends_at=now + time_left)

        question = Question(
            title=f"Rotate {key.prefix}… of {key.user}",
            consequences=[
                "A new key replaces this one, which stops working after the time below.",
                *_HANDING_OVER,
                "A person who still has a working key can make and revoke keys without you, and "
                "need not show them.",
            ],
            button="Make a new key",
        )
        refusals = (api_keys.KeyNotInUseError, people.SuperuserRequiredError)
        back = _keys_of(key.user)
        return confirm(self, request, question, RotationForm, act, back=back, refusals=refusals)


@row_action("New key…", "key", "accounts.manage_keys")
def issue(page: ModelAdmin, request: HttpRequest, person: User) -> HttpResponse:
    """Make a key for somebody who has none left, and show it this once, as `rotate` does."""

    def act(reason: str) -> HttpResponse:
        by, now = operator(request), timezone.now()
        return _show(page, request, *api_keys.issue(person, by=by, reason=reason, now=now))

    question = Question(
        title=f"New key for {person}",
        consequences=[
            "The keys that the person has go on to work; revoke those that were lost.",
            *_HANDING_OVER,
        ],
        button="Make a new key",
        variant="primary",
    )
    refusals = (
        *(api_keys.OwnerDeactivatedError, api_keys.TooManyKeysError),
        people.SuperuserRequiredError,
    )
    back = _keys_of(person)
    return confirm(page, request, question, ReasonForm, act, back=back, refusals=refusals)


def _show(
    page: ModelAdmin, request: HttpRequest, key: ApiKey, text: str, **replaced: Any
) -> HttpResponse:
    """Show the text of a new key, in this answer alone; `replaced` says which key it replaces."""
    context = {
        **page.context(request),
        "title": f"A new key for {key.user}",
        "key": key,
        "text": text,
        "back": _keys_of(key.user),
        **replaced,
    }
    return TemplateResponse(request, "admin/accounts/new_key.html", context)


def possible_actions(key: ApiKey, *, now: datetime) -> tuple[str, ...]:
    """Return what can be done to the key, which depends on whether it still works."""
    possible = {State.IN_USE: ("revoke", "rotate"), State.ENDING: ("revoke",), State.REVOKED: ()}
    return possible[api_keys.state(key, now=now)]


def _keys_of(person: User) -> str:
    return f"{page_of(person)}#keys"
