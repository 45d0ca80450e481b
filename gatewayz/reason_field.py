"""The field in which an operator says why: what the audit log would not take, a form refuses."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import audit


class ReasonField(forms.CharField):
    """Asks why, in words that can be read."""

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
