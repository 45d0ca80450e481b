"""The pages that draft the next terms, simulate them on real purchases, and add them."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm, modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts import report_database
from accounts.authentication import operator
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.formatting import moment
from gatewayz.adminbase.model_admin import ModelAdmin
from payments.reports.terms_simulation import simulate
from referrals.admin import simulated_terms
from referrals.models import Program
from referrals.terms import (
    FIELDS,
    StartInPastError,
    StartTakenError,
    add_terms,
    needs_approval,
    to_dict,
)

_TAKEN = "Other terms start at exactly this time."
_PASSED = "This has passed; terms start in the future."


class DraftForm(ModelForm):
    """The form of the next terms."""

    class Meta:
        model = Program
        fields = FIELDS
        labels: ClassVar = {
            "starts_at": "Start (UTC)",
            "referrer_bonus": "Bonus of the referrer",
            "referee_bonus": "Bonus of the friend",
            "max_uses": "Uses of one code",
            "offer_days": "Days that the offer holds",
        }
        help_texts: ClassVar = {
            "starts_at": "In the future: what was promised until then stays as it is.",
            "max_uses": "Codes that were used more often already are not used again.",
            "code_length": "Characters of codes that are made from then on.",
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
            raise ValidationError(_PASSED)
        return starts_at

    def validate_unique(self) -> None:
        """Leave it to the domain, which distinguishes terms added twice from other terms."""


def answer(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Take the draft; show what it would have paid; add it once that is confirmed."""
    widgets = partial(page.formfield_for_dbfield, request=request)
    form_class = modelform_factory(Program, DraftForm, formfield_callback=widgets)
    context = page.context(request) | {"back": _history()}
    if request.method != "POST":
        return _ask(request, form_class(initial=_prefilled()), context)
    form = form_class(request.POST)
    if not form.is_valid() or "edit" in request.POST:
        return _ask(request, form, context)
    if "add" not in request.POST:
        return _simulate(request, form, ReasonForm(), context)
    reason = ReasonForm(request.POST)
    if not reason.is_valid():
        return _simulate(request, form, reason, context)
    return _add(request, form, reason.cleaned_data["reason"], context)


def _prefilled() -> dict[str, Any]:
    """Return the last terms that are planned, or those in force, from the day after they start."""
    last = Program.objects.approved().latest("starts_at")
    after = max(timezone.now(), last.starts_at).astimezone(UTC) + timedelta(days=1)
    return {**to_dict(last), "starts_at": after.replace(hour=0, minute=0, second=0, microsecond=0)}


def _ask(
    request: HttpRequest, form: ModelForm, context: dict[str, Any], wrong_start: str = ""
) -> HttpResponse:
    if wrong_start:
        form.add_error("starts_at", wrong_start)
    context |= {"title": "Next terms", "form": form}
    return TemplateResponse(request, "admin/referrals/program/draft.html", context)


def _simulate(
    request: HttpRequest, form: ModelForm, reason: ReasonForm, context: dict[str, Any]
) -> HttpResponse:
    draft: Program = form.instance
    if _at_the_same_time(draft):
        return _ask(request, form, context, _TAKEN)
    context |= {
        "title": f"Terms from {moment(draft.starts_at)} UTC",
        "draft": form,
        "form": reason,
        "needs_approval": needs_approval(draft, by=operator(request), now=timezone.now()),
        "changes": simulated_terms.changes(Program.objects.at(timezone.now()).get(), form),
        **simulated_terms.context(
            report_database.read(lambda: simulate(draft, now=timezone.now()))
        ),
    }
    return TemplateResponse(request, "admin/referrals/program/simulation.html", context)


def _add(
    request: HttpRequest, form: ModelForm, reason: str, context: dict[str, Any]
) -> HttpResponse:
    """Add the terms, once; a second click is answered that they were added already."""
    wanted = to_dict(form.instance)
    try:
        terms = add_terms(by=operator(request), reason=reason, now=timezone.now(), **wanted)
    except StartTakenError:
        if [to_dict(terms) for terms in _at_the_same_time(form.instance)] != [wanted]:
            return _ask(request, form, context, _TAKEN)
        messages.info(request, "These terms were added already.")
    except StartInPastError:
        return _ask(request, form, context, _PASSED)
    else:
        messages.success(request, _outcome(terms))
    return HttpResponseRedirect(_history())


def _at_the_same_time(draft: Program) -> QuerySet[Program]:
    same = Program.objects.filter(starts_at=draft.starts_at)
    return same.exclude(status=Program.Status.REJECTED)


def _outcome(terms: Program) -> str:
    if terms.status == Program.Status.WAITING:
        return "Terms added; they wait for the approval of another person of Finance."
    return f"Terms added; they start on {terms.starts_at:%-d %B}."


def _history() -> str:
    return reverse("admin:referrals_program_changelist")
