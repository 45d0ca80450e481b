"""The list of API keys, with no more of a key than tells it by; keys are revoked and rotated."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html

from accounts import api_keys, people
from accounts.admin import actions, finding
from accounts.authentication import operator
from accounts.models import ApiKey
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import NOTHING, link, when
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, action, display


@admin.register(ApiKey)
class ApiKeyAdmin(finding.KeysCutShort, ReadOnlyAdmin):
    list_display = ("shown_prefix", "called", "owner", "state", "created", "last_used", "ends")
    linked_by = ("user",)
    list_select_related = ("user",)
    search_help_text = "Beginning of the owner's name or e-mail, or of the key"
    fields = ("shown_prefix", "name", "owner", "state", "created", "last_used", "ends")
    readonly_fields = fields
    actions_detail = ("revoke_key", "rotate_key")

    @display(description="Key", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return format_html('<span class="desk-code">{}…</span>', key.prefix)

    @display(description="Name")
    def called(self, key: ApiKey) -> str:
        return key.name or NOTHING

    @display(description="Owner")
    def owner(self, key: ApiKey) -> str:
        return link(key.user)

    @display(description="State")
    def state(self, key: ApiKey) -> str:
        return status_badges.value_badge(api_keys.state(key, now=timezone.now()))

    @display(description="Created")
    def created(self, key: ApiKey) -> str:
        return when(key.created_at)

    @display(description="Last used")
    def last_used(self, key: ApiKey) -> str:
        return when(key.last_used_at)

    @display(description="Ends")
    def ends(self, key: ApiKey) -> str:
        return when(key.revoked_at)

    def heading(self, obj: ApiKey) -> str:
        return f"Key {obj.prefix}…"

    def found_by(self, term: str) -> list[Q]:
        return finding.keys(term)

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, "revoke", object_id)

    def has_rotate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, "rotate", object_id)

    def _may(self, request: HttpRequest, verb: str, object_id: Any) -> bool:
        """Tell whether it can be done to this key, and this operator may."""
        key = ApiKey.objects.filter(pk=object_id).select_related("user").first()
        return (
            key is not None
            and request.user.has_perm("accounts.manage_keys")
            and people.is_manageable(key.user, by=operator(request))
            and verb in actions.done_to(key, now=timezone.now())
        )

    @action(description="Revoke", icon="block", permissions=["revoke"])
    def revoke_key(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:accounts_apikey_revoke", object_id)

    @action(description="Rotate", icon="autorenew", permissions=["rotate"])
    def rotate_key(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:accounts_apikey_rotate", object_id)

    def get_urls(self) -> list[URLPattern]:
        """Serve the two things that are done to a key."""
        return [
            self.own_page("revoke", actions.revoke),
            self.own_page("rotate", actions.rotate),
            *super().get_urls(),
        ]
