"""The list of people and the page of each; money is read-only here."""

from http import HTTPStatus
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts import audit, ledger, people
from accounts.admin import (
    entry_formatting,
    keys,
    person_actions,
    person_data,
    person_forms,
    search,
)
from accounts.admin.form_audit import AuditedFormAdmin
from accounts.admin.invited import lacks, with_what_they_lack
from accounts.admin.person import person_page
from accounts.admin.related import related
from accounts.admin.why import why
from accounts.authentication import operator
from accounts.models import User
from accounts.money import dollars
from gatewayz.adminbase.filters import ConditionFilter, DayFilter, yes_or_no
from gatewayz.adminbase.formatting import NOTHING, day, link_to, one_line
from gatewayz.adminbase.model_admin import Columns, display, is_superuser, row_action
from gatewayz.adminbase.status_badges import word_badge
from payments.models import Payment
from payments.search import people_found_by
from referrals import attribution, codes
from referrals.models import Program

_ACCOUNT: Any = (
    None,
    {
        "fields": (
            ("username", "email"),
            ("auth_method", "show_on_leaderboard"),
            ("created_at", "last_login"),
        )
    },
)
_STAFF: Any = (
    "Staff",
    {"fields": ("password", "is_staff", "is_superuser", "groups")},
)
_WHY: Any = (None, {"fields": ("reason",)})


class ReferredFilter(ConditionFilter):
    title = "referred by a code"
    parameter_name = "referred"
    conditions = yes_or_no("referred_by_code")


class PurchasesFilter(ConditionFilter):
    title = parameter_name = "purchases"
    conditions: ClassVar = {
        "any": (
            "Any",
            Q(Exists(Payment.objects.filter(user=OuterRef("pk"), status=Payment.Status.PAID))),
        ),
        "qualifying": ("The first qualifying", Q(has_made_first_purchase=True)),
        "none_qualifying": ("None that qualifies", Q(has_made_first_purchase=False)),
    }


class BalanceFilter(ConditionFilter):
    """A balance above zero, or below: a refund or a dispute took back what was spent."""

    title = parameter_name = "balance"
    conditions: ClassVar = {
        # Most people who ever bought have one, so that scanning backwards soon fills a page.
        "credit": ("Above zero", Q(credits__gt=0)),
        "debt": ("Below zero", Q(pk__in=ledger.in_debt().values("pk"))),
    }


# The list, and its export.
_LISTS = ("accounts_user_changelist", "accounts_user_export")


column = Columns(User)


def _is_of_code(request: HttpRequest) -> bool:
    """Return whether a list of people is of those who signed up with one code."""
    return _is_list(request) and bool(request.GET.get("referred_by_code"))


def _is_list(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name in _LISTS


@admin.register(User)
class PersonAdmin(AuditedFormAdmin, UserAdmin, search.KeyTruncatingAdmin):
    form = person_forms.PersonForm
    add_form = person_forms.NewPersonForm
    change_password_form = person_forms.PasswordForm
    list_display = (
        "person",
        "balance",
        "code",
        "uses",
        "invited_by",
        "bought",
        "signed_up",
        "state",
    )
    filter_horizontal = ()
    has_history = False  # the page has a section of it
    change_form_outer_before_template = "admin/accounts/user/person.html"
    linked_by: ClassVar[Any] = ("referred_by_code",)
    list_filter = (
        ("created_at", DayFilter),
        *(ReferredFilter, PurchasesFilter, BalanceFilter, "is_active", "is_staff"),
    )
    summed = (F("credits"), dollars)
    exported: ClassVar = {
        "id": "pk",
        "username": "username",
        "email": "email",
        "credits": "credits",
        "referral_code": "referral_code",
        "referred_by_code": "referred_by_code",
        "has_made_first_purchase": "has_made_first_purchase",
        "is_active": "is_active",
        "created_at": "created_at",
    }
    sortable_by: ClassVar[Any] = ("person", "code", "signed_up")
    search_help_text = (
        "Part of the name or e-mail; code, id, API key, or Stripe's id (cs_, pi_, evt_, re_, dp_)"
    )
    ordering = ("-pk",)
    # Nobody edits money and codes, which are shown above; `is_active` has its own actions.
    readonly_fields = ("created_at", "last_login", "show_on_leaderboard")
    actions_detail = (
        *("why", "statement", "related", "adjust", "set_inviter", "new_key"),
        *("deactivate", "reactivate", "export_person", "erase"),
    )
    fieldsets = (_ACCOUNT, _STAFF, _WHY)
    add_fieldsets = (
        (None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),
        _WHY,
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Within a period, order by day: else all who are newer than the period are read."""
        within_period = any(map(request.GET.get, ("created_at_from", "created_at_to")))
        return ("-created_at", "-pk") if within_period else ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Add uses and inviter; PostgreSQL computes them only for the rows of the page."""
        inviter = User.objects.filter(referral_code=OuterRef("referred_by_code"))
        terms = Program.objects.at(timezone.now())
        people: QuerySet[User] = super().get_queryset(request)
        if _is_list(request) and not request.GET:
            # Colleagues have an entry of their own in the menu; whoever searches finds them too.
            people = people.filter(is_staff=False)
        if _is_of_code(request):
            people = with_what_they_lack(people, terms)
        return people.annotate(
            uses=codes.uses(OuterRef("pk")),
            max_uses=Subquery(terms.values("max_uses")),
            inviter_id=Subquery(inviter.values("pk")),
            inviter_name=Subquery(inviter.values("username")),
        )

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Of the people of one code, say what each lacks, and not again who invited them."""
        if not _is_of_code(request):
            return self.list_display
        return ("person", "lacks", "balance", "signed_up", "state")

    lacks = column("What is missing", lacks)
    person = column(
        "Person", lambda user: [user.username, user.email], header=True, ordering="username"
    )
    balance = column("Balance", lambda user: entry_formatting.money(user.credits))

    @display(description="Code", ordering="referral_code")
    def code(self, user: User) -> str:
        if user.referral_code is None:
            return NOTHING
        return format_html('<span class="desk-code">{}</span>', user.referral_code)

    @display(description="Uses")
    def uses(self, user: Any) -> str:
        if user.referral_code is None:
            return NOTHING
        return one_line(f"{user.uses} of {user.max_uses}")

    @display(description="Invited by")
    def invited_by(self, user: Any) -> str:
        if user.inviter_id is None:
            return user.referred_by_code or NOTHING
        return link_to("accounts_user_change", user.inviter_id, user.inviter_name)

    signed_up = column("Signed up", lambda user: day(user.created_at), ordering="pk")
    bought = column("Qualified", lambda user: "Yes" if user.has_made_first_purchase else "No")
    state = column("State", lambda user: word_badge("active" if user.is_active else "deactivated"))

    def heading(self, obj: User) -> str:
        return obj.username

    def found_by(self, term: str) -> list[Q]:
        return people_found_by(term)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show the fields about staff to superusers only."""
        return super().get_fieldsets(request, obj) if is_superuser(request) else (_ACCOUNT,)

    def offers(self, action: str, request: HttpRequest, row: User) -> bool:
        by = operator(request)
        if action == "adjust":
            return row != by
        if action in ("new_key", "export_person"):
            is_possible = row.is_active or action == "export_person"
            return is_possible and people.is_manageable(row, by=by)
        if action == "set_inviter":
            is_open = timezone.now() < row.created_at + attribution.CLAIM_PERIOD
            return is_open and row.referred_by_code is None and people.is_manageable(row, by=by)
        if action == "erase":
            return not (row.is_staff or row.is_superuser or row.erased_at)
        if action in ("deactivate", "reactivate"):
            is_possible = row.is_active == (action == "deactivate") and not row.erased_at
            return is_possible and row != by and people.is_manageable(row, by=by)
        return True

    why = why
    related = related
    new_key = keys.issue
    set_inviter = person_actions.set_inviter
    deactivate = person_actions.switch("Deactivate…", "block", people.deactivate)
    reactivate = person_actions.switch("Reactivate…", "undo", people.reactivate)
    export_person = person_data.export
    erase = person_data.erase

    @row_action("Statement", "receipt_long", "accounts.view_user", "accounts.view_ledgerentry")
    def statement(self, request: HttpRequest, person: User) -> HttpResponse:
        return redirect(reverse("admin:accounts_ledgerentry_changelist", query={"user": person.pk}))

    @row_action("Adjust balance…", "tune", "accounts.adjust_credits")
    def adjust(self, request: HttpRequest, person: User) -> HttpResponse:
        return redirect(reverse("admin:accounts_adjustment_add", query={"user": person.username}))

    def page_context(self, request: HttpRequest, obj: User) -> dict[str, Any]:
        """Put the person's page above the fields."""
        return {"person_page": person_page(obj, request=request, now=timezone.now())}

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write only the changed fields: others may have been updated since they were read."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = {column.name for column in obj._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data))

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Record that the password was set, and never the password."""
        with transaction.atomic():
            answer: HttpResponse = super().user_change_password(request, *args, **kwargs)
            if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
                audit.record(
                    by=operator(request),
                    action="set password",
                    target=User.objects.get(pk=kwargs["id"]),
                    reason=request.POST["reason"],
                    now=timezone.now(),
                )
        return answer
