"""The page that withdraws terms before they start."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.authentication import operator
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, ask
from gatewayz.adminbase.formatting import moment
from gatewayz.adminbase.model_admin import ModelAdmin
from referrals.models import Program
from referrals.terms import TermsStartedError, withdraw_terms


def withdraw(page: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the reason; then withdraw the terms, once."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    back = reverse("admin:referrals_program_changelist")
    terms = Program.objects.filter(pk=pk).first()
    if terms is None:
        messages.info(request, "These terms were withdrawn already.")
        return HttpResponseRedirect(back)
    form = ReasonForm(request.POST or None)
    if not form.is_valid():
        return ask(page, request, _question(terms), form, back=back)
    _withdraw(request, terms, form.cleaned_data["reason"])
    return HttpResponseRedirect(back)


def _question(terms: Program) -> Question:
    return Question(
        title=f"Withdraw the terms from {moment(terms.starts_at)} UTC",
        consequences=[
            "They have not started, so nobody was promised anything by them.",
            "The terms before them go on.",
        ],
        button="Withdraw",
    )


def _withdraw(request: HttpRequest, terms: Program, reason: str) -> None:
    try:
        withdraw_terms(terms.pk, by=operator(request), reason=reason, now=timezone.now())
    except TermsStartedError:
        messages.warning(request, "These terms have started: they stay. Add the next ones.")
    except Program.DoesNotExist:
        messages.info(request, "These terms were withdrawn already.")
    else:
        messages.success(request, "The terms were withdrawn; those before them go on.")
