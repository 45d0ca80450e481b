"""The page that says what an action will do, and asks for its form, before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from gatewayz.adminbase.model_admin import ModelAdmin


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked before something is done.

    `facts` and `table` say what it is done to; `consequences` what will happen, in whole sentences.
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
