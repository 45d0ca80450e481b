"""The list of API keys, with no more of a key than tells it by; keys are revoked and rotated."""

from django.contrib import admin
from django.db.models import Q
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin import actions, finding, wording
from accounts.admin.own_pages import OwnPages
from accounts.models import ApiKey
from gatewayz.model_admin import ReadOnlyAdmin, display


@admin.register(ApiKey)
class ApiKeyAdmin(finding.KeysCutShort, OwnPages, ReadOnlyAdmin):
    list_display = ("shown_prefix", "name", "owner", "state", "created", "last_used", "ends")
    list_select_related = ("user",)
    search_help_text = "Owner's name or e-mail in full, or how the key begins"
    exclude = ("digest",)

    @display(description="Key", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return format_html('<span class="desk-code">{}…</span>', key.prefix)

    @display(description="Owner")
    def owner(self, key: ApiKey) -> str:
        return wording.person(key.user)

    @display(description="State")
    def state(self, key: ApiKey) -> str:
        return wording.badge(wording.key_state(key, now=timezone.now()))

    @display(description="Created")
    def created(self, key: ApiKey) -> str:
        return wording.moment(key.created_at)

    @display(description="Last used")
    def last_used(self, key: ApiKey) -> str:
        return wording.moment(key.last_used_at)

    @display(description="Ends")
    def ends(self, key: ApiKey) -> str:
        return wording.moment(key.revoked_at)

    def found_by(self, term: str) -> list[Q]:
        return finding.keys(term)

    def get_urls(self) -> list[URLPattern]:
        """Serve the two things that are done to a key."""
        return [
            self.own_page("revoke", actions.revoke),
            self.own_page("rotate", actions.rotate),
            *super().get_urls(),
        ]
