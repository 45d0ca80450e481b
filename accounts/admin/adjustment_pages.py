"""The pages of adjustments: the list, the request with its preview, decisions and reversals."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst

from accounts import adjustments, row_ids
from accounts.adjustment_rules import AdjustmentRefusedError
from accounts.admin import entry_formatting
from accounts.admin.adjustment_forms import AdjustmentForm, RequestForm, WithdrawalForm
from accounts.audit import ReasonMissingError
from accounts.authentication import operator
from accounts.models import Adjustment, User
from accounts.money import dollars
from accounts.people import owned_by
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.confirmation import Question, confirm
from gatewayz.adminbase.filters import DayFilter
from gatewayz.adminbase.formatting import NOTHING, link, page_of, when
from gatewayz.adminbase.model_admin import Columns, ModelAdmin, ReadOnlyAdmin, row_action

Status = Adjustment.Status
# Of a reversal: it is posted, or may yet be.
_STANDING = (Status.POSTED, Status.WAITING)


def _step(
    description: str,
    icon: str,
    permission: str,
    decide: Callable[..., Adjustment],
    form_class: type[Form] = RequestForm,
) -> Callable[..., HttpResponse]:
    """Return the action that asks for the reason, and then approves, rejects, or the like."""
    verb = decide.__name__

    @row_action(description, icon, permission)
    def ask(page: ModelAdmin, request: HttpRequest, adjustment: Adjustment) -> HttpResponse:
        def act(reason: str, token: UUID) -> HttpResponse:
            details = {"reason": reason, "token": token} if verb == "reverse" else {"note": reason}
            by, now = operator(request), timezone.now()
            return _report(request, decide(adjustment.pk, by=by, now=now, **details))

        question = _question(adjustment, verb, operator(request))
        refusals = (AdjustmentRefusedError, ReasonMissingError)
        back = page_of(adjustment)
        return confirm(page, request, question, form_class, act, back=back, refusals=refusals)

    return ask


column = Columns(Adjustment)


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin):
    """Adjustments are requested and decided on, never edited."""

    list_display = (
        *("shown", "person", "money", "category", "reason", "state", "asked", "asked_by", "second"),
    )
    linked_by = ("user",)
    list_filter = ("status", ("requested_at", DayFilter))
    summed = (F("amount"), dollars)
    exported: ClassVar = {
        "id": "pk",
        "requested_at": "requested_at",
        "person": "user__username",
        "amount": "amount",
        "category": "category",
        "reason": "reason",
        "status": "status",
        "requested_by": "requested_by__username",
        "decided_by": "decided_by__username",
        "decided_at": "decided_at",
        "decision_note": "decision_note",
        "takes_back": "reverses_id",
    }
    list_select_related = ("user", "requested_by", "decided_by")
    search_help_text = "Part of the person's name or e-mail, or the number of the adjustment"
    readonly_fields = (
        *("person", "money", "status_now", "category", "reason", "asked", "asked_by", "limit"),
        *("second", "decided", "decision_note", "entry", "original", "reversal"),
    )
    actions_detail = ("approve", "reject", "reverse", "withdraw")

    shown = column("Adjustment", lambda row: f"#{row.pk}")
    person = column("Person", lambda row: link(row.user))
    money = column("Amount", lambda row: entry_formatting.money(row.amount))
    state = column("Status", lambda row: row.status, label=status_badges.COLOURS)
    status_now = column("Status", status_badges.status_badge)
    entry = column(
        "Ledger entry", lambda row: link(row.ledger_entry, f"entry {row.ledger_entry_id}")
    )
    asked = column("Requested", lambda row: when(row.requested_at))
    asked_by = column(
        "By", lambda row: link(row.requested_by) if row.requested_by else row.asked_by
    )
    second = column("Second person", lambda row: link(row.decided_by))
    decided = column("Decided", lambda row: when(row.decided_at))
    limit = column("Could be posted alone", lambda row: f"up to {dollars(row.approval_limit)}")
    original = column("Takes back", lambda row: _link(row.reverses))
    reversal = column(
        "Taken back by",
        lambda row: _link(row.reversals.filter(status__in=_STANDING).first()),
    )

    approve = _step("Approve", "check", "accounts.approve_adjustment", adjustments.approve)
    reject = _step("Reject", "close", "accounts.approve_adjustment", adjustments.reject)
    reverse = _step("Reverse", "undo", "accounts.adjust_credits", adjustments.reverse)
    withdraw = _step(
        "Withdraw…", "undo", "accounts.adjust_credits", adjustments.withdraw, WithdrawalForm
    )

    def get_fields(self, request: HttpRequest, obj: Adjustment | None = None) -> list[str]:
        """Leave out fields that are empty, such as the decision while there is none."""
        later = ("second", "decided", "entry", "original", "reversal")
        empty = {name for name in later if obj and getattr(self, name)(obj) == NOTHING}
        if obj and not obj.decision_note:
            empty.add("decision_note")
        return [name for name in self.readonly_fields if name not in empty]

    def heading(self, obj: Adjustment) -> str:
        return f"{dollars(obj.amount)} for {obj.user}"

    def found_by(self, term: str) -> list[Q]:
        return [*owned_by(term), Q(pk=row_ids.typed(term))]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.adjust_credits")

    def offers(self, action: str, request: HttpRequest, row: Adjustment) -> bool:
        if action == "reverse":
            others = row.reversals.filter(status__in=_STANDING)
            is_posted = row.status == Status.POSTED and row.reverses_id is None
            return is_posted and not others.exists()
        if action == "withdraw":
            return row.status == Status.WAITING and row.requested_by_id == request.user.pk
        is_own = request.user.pk in {row.requested_by_id, row.user_id}
        return row.status == Status.WAITING and not is_own

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Request an adjustment: show the form, then what it would do, then do it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        initial = {name: request.GET.get(name) for name in ("user", "reason")}
        form = AdjustmentForm(request.POST or None, initial=initial)
        by = operator(request)
        preview: dict[str, Any] = {}
        if form.is_valid() and "change" not in request.POST:
            try:
                if "confirm" in request.POST:
                    answers = form.cleaned_data
                    asked = adjustments.request_adjustment(**answers, by=by, now=timezone.now())
                    return _report(request, asked)
                preview = _preview(form, by)
            except (AdjustmentRefusedError, ReasonMissingError) as refusal:
                form.add_error(None, _sentence(refusal))
        frame = {"title": "New adjustment", "opts": self.opts, "form": form, **preview}
        context = {**self.admin_site.each_context(request), **frame}
        return TemplateResponse(request, "admin/accounts/adjustment_add.html", context)


def _report(request: HttpRequest, adjustment: Adjustment) -> HttpResponse:
    """Say what became of it, on its page."""
    what = f"{dollars(adjustment.amount)} for {adjustment.user}"
    outcome = {
        Status.POSTED: f"Posted: {what}.",
        Status.WAITING: f"{what} waits for the approval of another person of Finance.",
        Status.REJECTED: f"Rejected: {what}.",
        Status.WITHDRAWN: f"Withdrawn: {what}.",
    }
    messages.success(request, outcome[Status(adjustment.status)])
    return redirect("admin:accounts_adjustment_change", adjustment.pk)


def _preview(form: AdjustmentForm, by: User) -> dict[str, Any]:
    """Return what the preview shows. Raises AdjustmentRefusedError."""
    user, amount = form.cleaned_data["user"], form.cleaned_data["amount"]
    limit = adjustments.preview(user=user, amount=amount, by=by, now=timezone.now())
    return {
        "limit": limit,
        "needs_approval": not limit.allows(amount),
        "amount": dollars(amount),
        "category": form.cleaned_data["category"].label,
        "before": dollars(user.credits),
        "after": dollars(user.credits + amount),
        "left": dollars(limit.amount),
    }


def _question(adjustment: Adjustment, verb: str, by: User) -> Question:
    person = adjustment.user
    return Question(
        title=f"{verb.capitalize()} adjustment #{adjustment.pk}",
        facts=[
            ("Person", f"{person} ({person.email})"),
            ("Amount", dollars(adjustment.amount)),
            ("Balance now", dollars(person.credits)),
            ("Balance after", _balance_after(adjustment, verb, by)),
            ("Requested by", adjustment.asked_by),
            ("Reason", adjustment.reason),
        ],
        button=verb.capitalize(),
        variant="primary" if verb == "approve" else "danger",
    )


def _balance_after(adjustment: Adjustment, verb: str, by: User) -> str:
    """Return the balance after the step, and whether that needs approval; or why it is refused."""
    person, amount = adjustment.user, adjustment.amount
    if verb != "reverse":
        return dollars(person.credits + (amount if verb == "approve" else 0))
    now = timezone.now()
    try:
        limit = adjustments.preview(
            user=person, amount=-amount, by=by, now=now, reverses=adjustment
        )
    except AdjustmentRefusedError as refusal:
        return _sentence(refusal)
    after = dollars(person.credits - amount)
    return after if limit.allows(amount) else f"{after}, once another person approves"


def _link(adjustment: Adjustment | None) -> str:
    return link(adjustment, f"adjustment #{adjustment.pk}" if adjustment else "")


def _sentence(refusal: Exception) -> str:
    return f"{capfirst(str(refusal))}."
