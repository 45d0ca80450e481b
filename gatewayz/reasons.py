"""Operators say why: the field, the form and the page that ask for it before something is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import audit
from gatewayz.model_admin import ModelAdmin


class ReasonField(forms.CharField):
    """Asks why, in words that can be read: what the audit log would not take, it refuses."""

    def __init__(
        self, *, help_text: str = "Kept in the audit log, with your name.", autofocus: bool = False
    ) -> None:
        super().__init__(
            max_length=audit.LONGEST_REASON,
            widget=UnfoldAdminTextareaWidget({"rows": 3, "autofocus": autofocus}),
            help_text=help_text,
        )

    def clean(self, value: Any) -> str:
        try:
            return audit.stated(super().clean(value))
        except audit.ReasonMissingError as refusal:
            raise ValidationError(f"{str(refusal).capitalize()}.") from None


class ReasonForm(forms.Form):
    """Asks why, and nothing else."""

    reason = ReasonField()


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked before something is done.

    `facts` and `table` tell what it is done to; `consequences` what it means, in whole sentences.
    """

    title: str
    button: str
    consequences: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    table: dict[str, Any] | None = None
    variant: str = "danger"
    is_answered_by_a_file: bool = False  # the page stays open, and may be sent again


def ask(
    page: ModelAdmin, request: HttpRequest, question: Question, form: forms.Form, *, back: str
) -> HttpResponse:
    """Return the page with the question and its form; `back` is where "Cancel" leads."""
    context = {
        **page.admin_site.each_context(request),
        "title": question.title,
        "opts": page.opts,
        "question": question,
        "form": form,
        "back": back,
    }
    return TemplateResponse(request, "admin/question.html", context)
