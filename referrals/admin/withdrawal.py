"""The page that withdraws terms before they start."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from gatewayz.cells import moment
from gatewayz.model_admin import operator
from referrals.admin.reasons import ReasonForm
from referrals.models import Program
from referrals.terms import TermsStartedError, withdraw_terms


def answer(request: HttpRequest, pk: int, context: dict[str, Any]) -> HttpResponse:
    """Ask for the reason; then withdraw the terms, once."""
    back = reverse("admin:referrals_program_changelist")
    terms = Program.objects.filter(pk=pk).first()
    if terms is None:
        messages.info(request, "These terms were withdrawn already.")
        return HttpResponseRedirect(back)
    form = ReasonForm(request.POST or None)
    if form.is_valid():
        _withdraw(request, terms, form.cleaned_data["reason"])
        return HttpResponseRedirect(back)
    context |= {
        "title": f"Withdraw the terms from {moment(terms.starts_at)} UTC",
        "form": form,
        "back": back,
    }
    return TemplateResponse(request, "admin/referrals/program/withdraw.html", context)


def _withdraw(request: HttpRequest, terms: Program, reason: str) -> None:
    try:
        withdraw_terms(terms.pk, by=operator(request), reason=reason, now=timezone.now())
    except TermsStartedError:
        messages.warning(request, "These terms have started: they stay. Add the next ones.")
    except Program.DoesNotExist:
        messages.info(request, "These terms were withdrawn already.")
    else:
        messages.success(request, "The terms were withdrawn; those before them go on.")
