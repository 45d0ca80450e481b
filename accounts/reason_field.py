"""The form field in which an operator says why; the audit log keeps the answer."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import audit


class ReasonField(forms.CharField):
    """Asks for a reason in words, and refuses what the audit log would refuse."""

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
    """Asks for a reason, and nothing else."""

    reason = ReasonField()
