"""The pages of adjustments: the list, the request with its preview, decisions and reversals."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html

from accounts import adjustments, row_ids
from accounts.adjustment_rules import AdjustmentRefusedError
from accounts.admin import entry_formatting
from accounts.admin.adjustment_forms import AdjustmentForm, RequestForm
from accounts.audit import ReasonMissingError
from accounts.authentication import operator
from accounts.models import Adjustment, User
from accounts.money import dollars
from accounts.people import whose
from accounts.status_colours import ADJUSTMENTS
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.confirmation import Question, confirm
from gatewayz.adminbase.formatting import NOTHING, link, page_of, when
from gatewayz.adminbase.model_admin import ModelAdmin, ReadOnlyAdmin, action, display

Status = Adjustment.Status


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin):
    """Adjustments are requested and decided on, never edited."""

    list_display = ("shown", "person", "money", "category", "state", "asked", "asked_by", "second")
    linked_by = ("user",)
    list_filter = ("status",)
    list_select_related = ("user", "requested_by", "decided_by")
    search_help_text = "Beginning of the person's name or e-mail"
    readonly_fields = (
        *("person", "money", "status_now", "category", "reason", "asked", "asked_by", "limit"),
        *("second", "decided", "decision_note", "entry", "original", "reversal"),
    )
    actions_detail = ("approve", "reject", "reverse")

    @display(description="Adjustment")
    def shown(self, adjustment: Adjustment) -> str:
        return f"#{adjustment.pk}"

    @display(description="Person")
    def person(self, adjustment: Adjustment) -> str:
        return link(adjustment.user)

    @display(description="Amount")
    def money(self, adjustment: Adjustment) -> str:
        return entry_formatting.money(adjustment.amount)

    @display(description="Status", label=ADJUSTMENTS)
    def state(self, adjustment: Adjustment) -> str:
        return adjustment.status

    @display(description="Status")
    def status_now(self, adjustment: Adjustment) -> str:
        return status_badges.status_badge(adjustment)

    @display(description="Ledger entry")
    def entry(self, adjustment: Adjustment) -> str:
        entry = adjustment.ledger_entry
        return link(entry, f"entry {entry.pk}") if entry else NOTHING

    @display(description="Asked for")
    def asked(self, adjustment: Adjustment) -> str:
        return when(adjustment.requested_at)

    @display(description="By")
    def asked_by(self, adjustment: Adjustment) -> str:
        asked_by = adjustment.requested_by
        return link(asked_by) if asked_by else adjustment.asked_by

    @display(description="Second person")
    def second(self, adjustment: Adjustment) -> str:
        return link(adjustment.decided_by)

    @display(description="Decided")
    def decided(self, adjustment: Adjustment) -> str:
        return when(adjustment.decided_at)

    @display(description="Could be posted alone")
    def limit(self, adjustment: Adjustment) -> str:
        return f"up to {dollars(adjustment.approval_limit)}"

    @display(description="Takes back")
    def original(self, adjustment: Adjustment) -> str:
        return _link(adjustment.reverses)

    @display(description="Taken back by")
    def reversal(self, adjustment: Adjustment) -> str:
        return _link(adjustment.reversals.exclude(status=Status.REJECTED).first())

    def get_fields(self, request: HttpRequest, obj: Adjustment | None = None) -> list[str]:
        """Leave out what has nothing to say, as of a decision before there is one."""
        later = ("second", "decided", "entry", "original", "reversal")
        silent = {name for name in later if obj and getattr(self, name)(obj) == NOTHING}
        if obj and not obj.decision_note:
            silent.add("decision_note")
        return [name for name in self.readonly_fields if name not in silent]

    def heading(self, obj: Adjustment) -> str:
        return f"{dollars(obj.amount)} for {obj.user}"

    def found_by(self, term: str) -> list[Q]:
        return whose(term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.adjust_credits")

    def offers(self, action: str, request: HttpRequest, row: Adjustment) -> bool:
        if action == "reverse":
            others = row.reversals.exclude(status=Status.REJECTED)
            is_posted = row.status == Status.POSTED and row.reverses_id is None
            return is_posted and not others.exists()
        is_own = request.user.pk in {row.requested_by_id, row.user_id}
        return row.status == Status.WAITING and not is_own

    @action(description="Approve", icon="check", permissions=["accounts.approve_adjustment"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _decide(self, request, self.row(request, object_id), "approve", adjustments.approve)

    @action(description="Reject", icon="close", permissions=["accounts.approve_adjustment"])
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _decide(self, request, self.row(request, object_id), "reject", adjustments.reject)

    @action(description="Reverse", icon="undo", permissions=["accounts.adjust_credits"])
    def reverse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _decide(self, request, self.row(request, object_id), "reverse", adjustments.reverse)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Request an adjustment: show the form, then what it would do, then do it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AdjustmentForm(request.POST or None, initial={"user": _named(request)})
        preview: dict[str, Any] = {}
        if form.is_valid() and "change" not in request.POST:
            try:
                if "confirm" in request.POST:
                    return _report(request, _ask(form, operator(request)))
                preview = _preview(form, operator(request))
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
    }
    messages.success(request, outcome[Status(adjustment.status)])
    return redirect("admin:accounts_adjustment_change", adjustment.pk)


def _named(request: HttpRequest) -> str:
    """Return the name of the person whose page the operator comes from."""
    user = User.objects.filter(Q(pk=row_ids.read(request.GET.get("user", "")))).first()
    return user.username if user else ""


def _preview(form: AdjustmentForm, by: User) -> dict[str, Any]:
    """Return what the preview shows. Raises AdjustmentRefusedError."""
    amount = form.cleaned_data["amount"]
    preview = adjustments.preview(
        user=form.cleaned_data["user"], amount=amount, by=by, now=timezone.now()
    )
    return {
        "preview": preview,
        "amount": dollars(amount),
        "category": Adjustment.Category(form.cleaned_data["category"]).label,
        "before": dollars(preview.balance_before),
        "after": dollars(preview.balance_after),
        "left": dollars(preview.left_of_limit),
    }


def _ask(form: AdjustmentForm, by: User) -> Adjustment:
    return adjustments.request_adjustment(
        user=form.cleaned_data["user"],
        amount=form.cleaned_data["amount"],
        category=Adjustment.Category(form.cleaned_data["category"]),
        reason=form.cleaned_data["reason"],
        by=by,
        token=form.cleaned_data["token"],
        now=timezone.now(),
    )


def _decide(
    page: ModelAdmin,
    request: HttpRequest,
    adjustment: Adjustment,
    verb: str,
    decide: Callable[..., Adjustment],
) -> HttpResponse:
    """Ask for the reason, and then approve, reject or reverse."""

    def act(reason: str, token: UUID) -> HttpResponse:
        details = {"reason": reason, "token": token} if verb == "reverse" else {"note": reason}
        by, now = operator(request), timezone.now()
        return _report(request, decide(adjustment.pk, by=by, now=now, **details))

    question = _question(adjustment, verb, operator(request))
    refusals = (AdjustmentRefusedError, ReasonMissingError)
    back = page_of(adjustment)
    return confirm(page, request, question, RequestForm, act, back=back, refusals=refusals)


def _question(adjustment: Adjustment, verb: str, by: User) -> Question:
    person = adjustment.user
    return Question(
        title=f"{verb.capitalize()} adjustment #{adjustment.pk}",
        facts=[
            ("Person", f"{person} ({person.email})"),
            ("Amount", dollars(adjustment.amount)),
            ("Balance now", dollars(person.credits)),
            ("Balance after", _balance_after(adjustment, verb, by)),
            ("Asked for by", adjustment.asked_by),
            ("Reason", adjustment.reason),
        ],
        button=verb.capitalize(),
        variant="primary" if verb == "approve" else "danger",
    )


def _balance_after(adjustment: Adjustment, verb: str, by: User) -> str:
    """Return what the balance would be, and if it has to wait for that; or why it cannot be."""
    person = adjustment.user
    if verb != "reverse":
        return dollars(person.credits + (adjustment.amount if verb == "approve" else 0))
    try:
        preview = adjustments.preview(
            user=person,
            amount=-adjustment.amount,
            by=by,
            now=timezone.now(),
            reverses=adjustment,
        )
    except AdjustmentRefusedError as refusal:
        return _sentence(refusal)
    after = dollars(preview.balance_after)
    return f"{after}, once another person approves" if preview.needs_approval else after


def _link(adjustment: Adjustment | None) -> str:
    return link(adjustment, f"adjustment #{adjustment.pk}" if adjustment else "")


def _sentence(refusal: Exception) -> str:
    text = str(refusal)
    return format_html("{}{}.", text[:1].upper(), text[1:])
