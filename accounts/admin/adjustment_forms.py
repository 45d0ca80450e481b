"""The forms with which adjustments are requested, decided on and reversed."""

from uuid import uuid4

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import audit, people
from accounts.models import Adjustment, User
from accounts.reason_field import ReasonForm


class RequestForm(ReasonForm):
    """Asks why; with its token a form that is sent twice counts once."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class WithdrawalForm(forms.Form):
    """Asks why, and takes no answer for one."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    reason = forms.CharField(
        required=False,
        max_length=audit.MAX_REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="May be left empty.",
    )


class AdjustmentForm(RequestForm):
    """Whose balance, by how much, and why."""

    user = forms.CharField(
        label="Person",
        max_length=254,
        widget=UnfoldAdminTextInputWidget,
        help_text="User name, e-mail, code, or id: #12.",
    )
    amount = forms.DecimalField(
        label="Amount in US dollars",
        max_digits=12,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01"}),
        help_text="Negative takes away.",
    )
    category = forms.TypedChoiceField(
        choices=Adjustment.Category.choices,
        coerce=Adjustment.Category,
        widget=UnfoldAdminSelectWidget,
    )

    field_order = ("user", "amount", "category", "reason", "token")

    def clean_user(self) -> User:
        try:
            return people.find(self.cleaned_data["user"])
        except User.DoesNotExist:
            raise forms.ValidationError("Nobody has this name, e-mail, code or id.") from None
        except people.SeveralPeopleError as refusal:
            raise forms.ValidationError(f"{refusal}.") from None
