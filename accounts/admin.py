"""A plain admin for people, keys and the ledger: looks at money, never writes it."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import ApiKey, LedgerEntry, User
from gatewayz.model_admin import ModelAdmin, ReadOnlyAdmin


def _called(term: str) -> list[Q]:
    """Return who has this name or e-mail address, whatever the case."""
    return [Q(Exact(Lower(field), Lower(Value(term)))) for field in ("username", "email")]


def _of(term: str) -> Q:
    """Return what belongs to whoever has this name or e-mail address."""
    people = User.objects.filter(_called(term)[0] | _called(term)[1])
    return Q(user__in=people.values("pk"))


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "credits", "referral_code", "created_at", "is_active")
    list_filter = ("is_active", "is_staff", "has_made_first_purchase")
    search_help_text = "User name, e-mail or code, in full"
    ordering = ("-pk",)
    readonly_fields = (
        "credits",
        "referral_code",
        "referred_by_code",
        "has_made_first_purchase",
        "created_at",
        "last_login",
    )
    fieldsets = (
        (None, {"fields": ("username", "email", "password", "auth_method", "created_at")}),
        ("Credits", {"fields": ("credits", "has_made_first_purchase")}),
        ("Referrals", {"fields": ("referral_code", "referred_by_code")}),
        (
            "Permissions",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),
    )

    def found_by(self, term: str) -> list[Q]:
        return [*_called(term), Q(referral_code=term.upper())]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are deactivated: their entries must stay (CONTRACT 2.8)."""
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "name", "user", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_help_text = "User name or e-mail of the owner, in full"
    exclude = ("digest",)

    def found_by(self, term: str) -> list[Q]:
        return [_of(term)]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "kind", "amount", "balance_after", "description", "created_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_help_text = "User name, e-mail or the entry's own key, in full"

    def found_by(self, term: str) -> list[Q]:
        return [_of(term), Q(idempotency_key=term)]
