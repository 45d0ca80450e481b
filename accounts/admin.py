"""A plain admin for people, keys and the ledger: looks at money, never writes it."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import ApiKey, LedgerEntry, User
from gatewayz.model_admin import ReadOnlyAdmin


@admin.register(User)
class PersonAdmin(UserAdmin):
    list_display = ("username", "email", "credits", "referral_code", "created_at", "is_active")
    list_filter = ("is_active", "is_staff", "has_made_first_purchase")
    search_fields = ("username", "email", "referral_code")
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

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are deactivated: their entries must stay (CONTRACT 2.8)."""
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "name", "user", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "user__username")
    exclude = ("digest",)
    ordering = ("-pk",)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "kind", "amount", "balance_after", "description", "created_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("user__username", "idempotency_key", "reference")
    ordering = ("-pk",)
