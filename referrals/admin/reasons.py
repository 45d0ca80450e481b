"""The form field that asks an operator why; the answer is kept in the audit log."""

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import audit


class ReasonForm(forms.Form):
    """Why something is done, for whoever asks later."""

    reason = forms.CharField(
        max_length=audit.LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="It is kept in the audit log, with your name.",
    )
