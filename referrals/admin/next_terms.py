"""The pages that draft the next terms, simulate them on real purchases, and add them."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSplitDateTimeWidget,
)

from accounts.authentication import operator
from accounts.models import User
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.formatting import moment
from payments.reports.terms_simulation import simulate
from referrals.admin import simulated_terms
from referrals.models import Program
from referrals.terms import (
    AwardAboveLimitError,
    StartInPastError,
    StartTakenError,
    add_terms,
    require_award_within_limit,
    to_dict,
)

_MONEY = UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01", "min": "0.01"})
_COUNT = UnfoldAdminIntegerFieldWidget(attrs={"min": "1"})


class DraftForm(forms.ModelForm):
    """The form of the next terms."""

    starts_at = forms.SplitDateTimeField(
        label="Start (UTC)",
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="In the future: what was promised until then stays as it is.",
    )

    class Meta:
        model = Program
        fields: ClassVar = [
            "starts_at",
            "referrer_bonus",
            "referee_bonus",
            "minimum_purchase",
            "max_uses",
            "budget",
            "offer_days",
            "code_length",
        ]
        labels: ClassVar = {
            "referrer_bonus": "Bonus of the referrer",
            "referee_bonus": "Bonus of the friend",
            "max_uses": "Uses of one code",
            "offer_days": "Days that the offer holds",
        }
        help_texts: ClassVar = {
            "max_uses": "Codes that were used more often already are not used again.",
            "code_length": "Characters of codes that are made from then on.",
        }
        widgets: ClassVar = {
            "referrer_bonus": _MONEY,
            "referee_bonus": _MONEY,
            "minimum_purchase": _MONEY,
            "max_uses": _COUNT,
            "budget": _MONEY,
            "offer_days": _COUNT,
            "code_length": _COUNT,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for part, name in zip(
            self.fields["starts_at"].widget.widgets, ("Day", "Time"), strict=True
        ):
            part.attrs["aria-label"] = f"{name} of the start (UTC)"

    def clean_starts_at(self) -> datetime:
        starts_at: datetime = self.cleaned_data["starts_at"]
        if starts_at <= timezone.now():
            raise ValidationError("This has passed; terms start in the future.")
        return starts_at

    def validate_unique(self) -> None:
        """Leave it to the domain, which distinguishes terms added twice from other terms."""


def answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Take the draft; show what it would have paid; add it once that is confirmed."""
    if request.method != "POST":
        return _ask(request, DraftForm(initial=_prefilled()), context)
    form = DraftForm(request.POST)
    _check_limit(form, operator(request))
    if not form.is_valid() or "edit" in request.POST:
        return _ask(request, form, context)
    if "add" not in request.POST:
        return _simulate(request, form, ReasonForm(), context)
    reason = ReasonForm(request.POST)
    if not reason.is_valid():
        return _simulate(request, form, reason, context)
    return _add(request, form, reason.cleaned_data["reason"], context)


def _check_limit(form: DraftForm, by: User) -> None:
    if not form.is_valid():
        return
    try:
        require_award_within_limit(form.instance, by=by)
    except AwardAboveLimitError as refusal:
        form.add_error("referrer_bonus", f"{refusal}.")


def _prefilled() -> dict[str, Any]:
    now = timezone.now()
    tomorrow = (now.astimezone(UTC) + timedelta(days=1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return {**to_dict(Program.objects.at(now).get()), "starts_at": tomorrow}


def _ask(request: HttpRequest, form: DraftForm, context: dict[str, Any]) -> HttpResponse:
    context |= {"title": "Next terms", "form": form, "back": _history()}
    return TemplateResponse(request, "admin/referrals/program/draft.html", context)


def _simulate(
    request: HttpRequest, form: DraftForm, reason: ReasonForm, context: dict[str, Any]
) -> HttpResponse:
    draft: Program = form.instance
    if Program.objects.filter(starts_at=draft.starts_at).exists():
        form.add_error("starts_at", "Other terms start at exactly this time.")
        return _ask(request, form, context)
    now = timezone.now()
    context |= {
        "title": f"Terms from {moment(draft.starts_at)} UTC",
        "draft": form,
        "form": reason,
        "changes": simulated_terms.changes(Program.objects.at(draft.starts_at).get(), draft),
        **simulated_terms.context(simulate(draft, now=now)),
        "back": _history(),
    }
    return TemplateResponse(request, "admin/referrals/program/simulation.html", context)


def _add(
    request: HttpRequest, form: DraftForm, reason: str, context: dict[str, Any]
) -> HttpResponse:
    """Add the terms, once; a second click is answered that they were added already."""
    wanted = to_dict(form.instance)
    try:
        add_terms(by=operator(request), reason=reason, now=timezone.now(), **wanted)
    except StartTakenError:
        if to_dict(Program.objects.get(starts_at=form.instance.starts_at)) != wanted:
            form.add_error("starts_at", "Other terms start at exactly this time.")
            return _ask(request, form, context)
        messages.info(request, "These terms were added already.")
    except StartInPastError:
        form.add_error("starts_at", "This has passed; terms start in the future.")
        return _ask(request, form, context)
    else:
        messages.success(request, f"Terms added; they start on {form.instance.starts_at:%-d %B}.")
    return HttpResponseRedirect(_history())


def _history() -> str:
    return reverse("admin:referrals_program_changelist")
