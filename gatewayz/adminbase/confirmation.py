"""The page that says what an action will do and asks for its form, before the action is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from gatewayz.adminbase.model_admin import ModelAdmin

# As many rows as a list has on its page.
MOST_SELECTED = 50


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


def selected(rows: QuerySet[Any]) -> list[Any]:
    """Return the selected rows of a list, the oldest first, and not more than one page of them."""
    return list(rows.order_by("pk")[:MOST_SELECTED])


def confirm(
    page: ModelAdmin,
    request: HttpRequest,
    question: Question,
    form_class: type[forms.Form],
    act: Callable[..., str | HttpResponseBase],
    *,
    back: str,
    rows: Sequence[Model] | None = None,
    refusals: tuple[type[Exception], ...] = (),
) -> HttpResponse:
    """Ask the question; once it is answered, act, say what was done, and go back.

    `act` is called with the fields of the form, and returns what was done in words, or a page of
    its own. `rows` are those that an action of a list was given; the answer selects them again.
    """
    if rows is not None and not rows:
        return refuse(request, "nothing is selected that this could be done to", back=back)
    is_answered = rows is None or "answered" in request.POST
    form = form_class((request.POST or None) if is_answered else None)
    if not form.is_valid():
        asked = {"title": question.title, "question": question, "form": form, "back": back}
        asked["sent_on"] = _sent_on(request, form, rows or ())
        return TemplateResponse(request, "admin/question.html", page.context(request) | asked)
    try:
        done = act(**form.cleaned_data)
    except refusals as refusal:
        return refuse(request, refusal, back=back)
    if isinstance(done, HttpResponseBase):
        return cast("HttpResponse", done)  # or a stream, which Django takes as well
    messages.success(request, done)
    return HttpResponseRedirect(back)


def refuse(request: HttpRequest, refusal: Exception | str, *, back: str) -> HttpResponse:
    """Go back, and say why nothing was done."""
    messages.error(request, f"Nothing was done: {refusal}.")
    return HttpResponseRedirect(back)


def _sent_on(
    request: HttpRequest, form: forms.Form, rows: Sequence[Model]
) -> list[tuple[str, str]]:
    """Return what the answer has to send again: the action, and exactly the rows that are shown."""
    others = {"csrfmiddlewaretoken", "answered", "index", "select_across", ACTION_CHECKBOX_NAME}
    names = request.POST.keys() - form.fields.keys() - others
    return [
        *((name, request.POST[name]) for name in sorted(names)),
        *((ACTION_CHECKBOX_NAME, str(row.pk)) for row in rows),
    ]
