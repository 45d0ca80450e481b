"""The desk's pages of adjustments: the list, asking with a preview, deciding and reversing."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts import adjustments, row_ids
from accounts.adjustment_rules import AdjustmentRefusedError
from accounts.admin import wording
from accounts.admin.adjustment_forms import AdjustmentForm, WishForm
from accounts.audit import ReasonMissingError
from accounts.authentication import operator
from accounts.models import Adjustment, User
from accounts.money import dollars
from accounts.people import owned_by
from accounts.status_colours import ADJUSTMENTS
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.confirmation import Question, ask
from gatewayz.adminbase.formatting import NOTHING, link, when
from gatewayz.adminbase.model_admin import ModelAdmin, ReadOnlyAdmin, action, display

Status = Adjustment.Status


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin):
    """Adjustments are asked for and decided on, never edited."""

    list_display = ("shown", "person", "money", "category", "state", "asked", "asked_by", "second")
    linked_by = ("user",)
    list_filter = ("status",)
    list_select_related = ("user", "requested_by", "decided_by")
    search_help_text = "Beginning of the person's name or e-mail"
    readonly_fields = (
        *("person", "money", "standing", "category", "reason", "asked", "asked_by", "limit"),
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
        return wording.money(adjustment.amount)

    @display(description="Status", label=ADJUSTMENTS)
    def state(self, adjustment: Adjustment) -> str:
        return adjustment.status

    @display(description="Status")
    def standing(self, adjustment: Adjustment) -> str:
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
        told = list(self.readonly_fields)
        later = ("second", "decided", "entry", "original", "reversal")
        silent = {name for name in later if obj and getattr(self, name)(obj) == NOTHING}
        if obj and not obj.decision_note:
            silent.add("decision_note")
        return [name for name in told if name not in silent]

    def heading(self, obj: Adjustment) -> str:
        return f"{dollars(obj.amount)} for {obj.user}"

    def found_by(self, term: str) -> list[Q]:
        return owned_by(term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.adjust_credits")

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """May decide at all; who asked for it is refused by the domain, and not offered it."""
        adjustment = Adjustment.objects.filter(pk=object_id, status=Status.WAITING).first()
        return (
            adjustment is not None
            and request.user.pk not in {adjustment.requested_by_id, adjustment.user_id}
            and request.user.has_perm("accounts.approve_adjustment")
        )

    def has_reverse_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        posted = Adjustment.objects.filter(pk=object_id, status=Status.POSTED, reverses=None)
        is_reversed = posted.filter(reversals__status__in=[Status.WAITING, Status.POSTED])
        return self.has_add_permission(request) and posted.exists() and not is_reversed.exists()

    @action(description="Approve", icon="check", permissions=["decide"])
    def approve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:accounts_adjustment_approve", object_id)

    @action(description="Reject", icon="close", permissions=["decide"])
    def reject(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:accounts_adjustment_reject", object_id)

    @action(description="Reverse", icon="undo", permissions=["reverse"])
    def reverse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:accounts_adjustment_reverse", object_id)

    def get_urls(self) -> list[URLPattern]:
        steps = (self.own_page(verb, partial(_decide, verb=verb)) for verb in _STEPS)
        return [*steps, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for an adjustment: the form, then what it would do, then the deed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AdjustmentForm(request.POST or None, initial={"user": _named(request)})
        preview: dict[str, Any] = {}
        if form.is_valid() and "change" not in request.POST:
            try:
                if "confirm" in request.POST:
                    return _told(request, _ask(form, operator(request)))
                preview = _foreseen(form, operator(request))
            except (AdjustmentRefusedError, ReasonMissingError) as refusal:
                form.add_error(None, _sentence(refusal))
        frame = {"title": "New adjustment", "opts": self.opts, "form": form, **preview}
        context = {**self.admin_site.each_context(request), **frame}
        return TemplateResponse(request, "admin/accounts/adjustment_add.html", context)


def _told(request: HttpRequest, adjustment: Adjustment) -> HttpResponse:
    """Say what came of it, on its page."""
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
    user = User.objects.filter(Q(pk=row_ids.parse(request.GET.get("user", "")))).first()
    return user.username if user else ""


def _foreseen(form: AdjustmentForm, by: User) -> dict[str, Any]:
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
        "left": dollars(preview.remaining_limit),
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


def _decide(page: ModelAdmin, request: HttpRequest, pk: int, *, verb: str) -> HttpResponse:
    """Ask for the reason, and then approve, reject or reverse."""
    permission, act = _STEPS[verb]
    if not request.user.has_perm(permission):
        raise PermissionDenied
    adjustment = get_object_or_404(Adjustment.objects.select_related("user"), pk=pk)
    form = WishForm(request.POST or None)
    if form.is_valid():
        try:
            return _told(request, act(adjustment.pk, operator(request), form.cleaned_data))
        except (AdjustmentRefusedError, ReasonMissingError) as refusal:
            form.add_error(None, _sentence(refusal))
    back = reverse("admin:accounts_adjustment_change", args=[pk])
    question = _question(adjustment, verb, operator(request))
    return ask(page, request, question, form, back=back)


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


_Act = Callable[[int, User, dict[str, Any]], Adjustment]


def _approve(pk: int, by: User, wish: dict[str, Any]) -> Adjustment:
    return adjustments.approve(pk, by=by, note=wish["reason"], now=timezone.now())


def _reject(pk: int, by: User, wish: dict[str, Any]) -> Adjustment:
    return adjustments.reject(pk, by=by, note=wish["reason"], now=timezone.now())


def _reverse(pk: int, by: User, wish: dict[str, Any]) -> Adjustment:
    return adjustments.reverse(pk, by=by, now=timezone.now(), **wish)


_STEPS: dict[str, tuple[str, _Act]] = {
    "approve": ("accounts.approve_adjustment", _approve),
    "reject": ("accounts.approve_adjustment", _reject),
    "reverse": ("accounts.adjust_credits", _reverse),
}


def _link(adjustment: Adjustment | None) -> str:
    return link(adjustment, f"adjustment #{adjustment.pk}" if adjustment else "")


def _sentence(refusal: Exception) -> str:
    text = str(refusal)
    return format_html("{}{}.", text[:1].upper(), text[1:])
