"""The form that asks an operator why; the answer is kept in the audit log."""

from django import forms

from gatewayz.reason_field import ReasonField


class ReasonForm(forms.Form):
    """Why something is done, for whoever asks later."""

    reason = ReasonField()
