"""The page that answers "why?" about a person, and what a purchase would earn them now."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from accounts.models import User
from accounts.money import CENT, from_cents
from gatewayz.adminbase.model_admin import ModelAdmin
from payments.explanations.admin_rendering import about_person
from payments.models import MAX_AMOUNT_CENTS


class AmountForm(forms.Form):
    """Asks how large a purchase would be."""

    amount = forms.DecimalField(
        label="What would a purchase earn now? US dollars",
        min_value=CENT,
        max_value=from_cents(MAX_AMOUNT_CENTS),
        decimal_places=2,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(),
    )


def why(page: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Answer about a person; it reads only."""
    needed = ["accounts.view_user", "payments.view_payment", "referrals.view_referral"]
    if not request.user.has_perms(needed):
        raise PermissionDenied
    user = get_object_or_404(User, pk=pk)
    form = AmountForm(request.GET or None)
    amount = form.cleaned_data["amount"] if form.is_valid() else None
    context = {
        **page.admin_site.each_context(request),
        "title": f"Why? {user}",
        "opts": page.opts,
        "form": form,
        "why": about_person(user, cents=int(amount * 100) if amount else None),
        "back": reverse("admin:accounts_user_change", args=[pk]),
    }
    return TemplateResponse(request, "admin/accounts/user/why.html", context)
