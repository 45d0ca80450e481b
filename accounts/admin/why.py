"""The page that answers "why?" about a person, and what a purchase would earn them now."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from accounts.models import User
from accounts.money import CENT, from_cents
from gatewayz.adminbase.model_admin import ModelAdmin, row_action
from payments.explanations.admin_rendering import about_person
from payments.explanations.reply import reply_to
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


@row_action(
    *("Why?", "help"),
    *("accounts.view_user", "payments.view_payment", "referrals.view_referral"),
)
def why(page: ModelAdmin, request: HttpRequest, user: User) -> HttpResponse:
    """Answer about a person; it reads only."""
    form = AmountForm(request.GET or None)
    amount = form.cleaned_data["amount"] if form.is_valid() else None
    context = {
        **page.admin_site.each_context(request),
        "title": f"Why? {user}",
        "opts": page.opts,
        "why": about_person(user, cents=int(amount * 100) if amount else None, form=form),
        "reply": reply_to(user, now=timezone.now()),
        "back": reverse("admin:accounts_user_change", args=[user.pk]),
    }
    return TemplateResponse(request, "admin/accounts/user/why.html", context)
