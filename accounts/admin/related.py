"""The page of the accounts that may be one person's, on which they are closed together."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html

from accounts import people
from accounts.admin import entry_formatting
from accounts.authentication import operator
from accounts.models import User
from accounts.permissions import PermissionMissingError
from accounts.reason_field import ReasonField
from gatewayz.adminbase.formatting import day, link, page_of
from gatewayz.adminbase.model_admin import ModelAdmin, row_action
from gatewayz.adminbase.status_badges import word_badge
from payments.related import ChangedMeanwhileError, Related, close, related_to
from referrals.review import OwnBonusError

_NEEDED = ("accounts.deactivate_user", "referrals.review_referral")
_REFUSALS = (
    *(people.OwnAccountError, people.SuperuserRequiredError, PermissionMissingError),
    *(OwnBonusError, ChangedMeanwhileError),
)


_PERSON = '<span class="desk-who">{}<span class="desk-address desk-email">{}</span></span>'


class ClosingForm(forms.Form):
    """Who is chosen, of those who are shown, and why."""

    reason = ReasonField()

    def __init__(self, *args: Any, shown: Iterable[Related], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["chosen"] = forms.TypedMultipleChoiceField(
            choices=[(one.user.pk, one.user.pk) for one in shown],
            coerce=int,
            error_messages={"required": "Choose at least one account."},
        )


@row_action(
    *("Related accounts", "group_work"),
    *("accounts.view_user", "payments.view_payment", "referrals.view_referral"),
)
def related(page: ModelAdmin, request: HttpRequest, user: User) -> HttpResponse:
    """Show the accounts; close those that are chosen, with one reason for all."""
    by = operator(request)
    shown = [Related(user, ("this person",)), *related_to(user)]
    may_close = by.has_perms(_NEEDED)
    if request.method == "POST" and not may_close:
        raise PermissionDenied
    form = ClosingForm(request.POST or None, shown=shown) if may_close else None
    if form and form.is_valid() and _close(request, form, by):
        return redirect(request.path)
    context = {
        **page.context(request),
        "title": f"Related accounts of {user}",
        "form": form,
        "rows": [_row(one, by=by) for one in shown],
        "chosen": form["chosen"].value() or [] if form else [],
        "back": page_of(user),
    }
    return TemplateResponse(request, "admin/accounts/user/related.html", context)


def _close(request: HttpRequest, form: ClosingForm, by: User) -> bool:
    """Close the accounts; say what was done, or why nothing was."""
    chosen, reason = form.cleaned_data["chosen"], form.cleaned_data["reason"]
    try:
        closed = close(chosen, by=by, reason=reason, now=timezone.now())
    except _REFUSALS as refusal:
        form.add_error(None, f"Nothing was done: {refusal}.")
        return False
    messages.success(
        request, f"Deactivated: {closed.people}. Bonuses that are held now: {closed.bonuses}."
    )
    return True


def _row(one: Related, *, by: User) -> dict[str, Any]:
    user = one.user
    return {
        "pk": user.pk,
        "name": user.username,
        "person": format_html(_PERSON, link(user, user.username), user.email),
        "evidence": one.evidence,
        "state": word_badge("active" if user.is_active else "deactivated"),
        "balance": entry_formatting.money(user.credits),
        "since": day(user.created_at),
        "may_be_chosen": user != by and people.is_manageable(user, by=by),
    }
