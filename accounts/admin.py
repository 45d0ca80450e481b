"""The desk's lists of people, keys and the ledger: looks at money, never writes it."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.desk import finding, wording
from accounts.models import ApiKey, LedgerEntry, User
from gatewayz.model_admin import ReadOnlyAdmin, display
from referrals.models import Program, Referral


@admin.register(User)
class PersonAdmin(UserAdmin, finding.KeysCutShort):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "person",
        "balance",
        "code",
        "uses",
        "invited_by",
        "has_made_first_purchase",
        "signed_up",
        "is_active",
    )
    list_filter = ("has_made_first_purchase", "is_active", "is_staff")
    sortable_by = ("person", "code", "signed_up")
    search_help_text = "Name, e-mail, code, id, API key, or Stripe's id (cs_, pi_, evt_, re_, dp_)"
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Add what a row tells beside its columns; PostgreSQL computes it for the page's rows."""
        inviter = User.objects.filter(referral_code=OuterRef("referred_by_code"))
        # Slots count the uses from 1, without a gap: the last is how many there are.
        made = Referral.objects.filter(referrer=OuterRef("pk")).order_by("-slot")
        terms = Program.objects.at(timezone.now())
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(
            uses=Coalesce(Subquery(made.values("slot")[:1]), 0),
            max_uses=Subquery(terms.values("max_uses")),
            inviter_id=Subquery(inviter.values("pk")),
            inviter_name=Subquery(inviter.values("username")),
        )

    @display(description="Person", header=True, ordering="username")
    def person(self, user: User) -> list[str]:
        return [user.username, user.email]

    @display(description="Balance")
    def balance(self, user: User) -> str:
        return wording.money(user.credits)

    @display(description="Code", ordering="referral_code")
    def code(self, user: User) -> str:
        return format_html('<span class="desk-code">{}</span>', user.referral_code or "–")

    @display(description="Uses")
    def uses(self, user: Any) -> str:
        return f"{user.uses} of {user.max_uses}" if user.referral_code else "–"

    @display(description="Invited by")
    def invited_by(self, user: Any) -> str:
        if user.inviter_id is None:
            return user.referred_by_code or "–"
        return wording.link("accounts_user_change", user.inviter_id, user.inviter_name)

    @display(description="Signed up", ordering="pk")
    def signed_up(self, user: User) -> str:
        return wording.moment(user.created_at)

    def found_by(self, term: str) -> list[Q]:
        return finding.people(term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Customers register; who is added here is staff."""
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Name, e-mail and the permissions of staff are a superuser's to change."""
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are deactivated: their entries must stay (CONTRACT 2.8)."""
        return False


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


@admin.register(ApiKey)
class ApiKeyAdmin(finding.KeysCutShort, ReadOnlyAdmin):
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


@admin.register(LedgerEntry)
class LedgerEntryAdmin(finding.KeysCutShort, ReadOnlyAdmin):
    list_display = (
        "id",
        "owner",
        "what",
        "moved",
        "balance",
        "description",
        "origin",
        "posted_by",
        "posted",
    )
    list_filter = ("kind",)
    list_select_related = ("user", "posted_by")
    search_help_text = "Person's name or e-mail, Stripe's id, the entry's id or cause, in full"

    @display(description="Person")
    def owner(self, entry: LedgerEntry) -> str:
        return wording.person(entry.user)

    @display(description="Kind")
    def what(self, entry: LedgerEntry) -> str:
        return wording.KINDS[LedgerEntry.Kind(entry.kind)]

    @display(description="Amount")
    def moved(self, entry: LedgerEntry) -> str:
        return wording.money(entry.amount)

    @display(description="Balance after")
    def balance(self, entry: LedgerEntry) -> str:
        return wording.money(entry.balance_after)

    @display(description="From")
    def origin(self, entry: LedgerEntry) -> str:
        return wording.cause(entry)

    @display(description="Posted")
    def posted(self, entry: LedgerEntry) -> str:
        return wording.moment(entry.created_at)

    def found_by(self, term: str) -> list[Q]:
        return finding.entries(term)
