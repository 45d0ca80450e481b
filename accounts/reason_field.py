"""The form field for an operator's reason, which the audit log keeps."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import audit


class ReasonField(forms.CharField):
    """Requires a reason, by the same rule as the audit log."""

    def __init__(self, *, help_text: str = "Kept in the audit log, with your name.") -> None:
        super().__init__(
            max_length=audit.MAX_REASON_LENGTH,
            widget=UnfoldAdminTextareaWidget({"rows": 3}),
            help_text=help_text,
        )

    def clean(self, value: Any) -> str:
        try:
            return audit.require_reason(super().clean(value))
        except audit.ReasonMissingError as refusal:
            raise ValidationError(f"{str(refusal).capitalize()}.") from None


class ReasonForm(forms.Form):
    """Asks for a reason only."""

    reason = ReasonField()
