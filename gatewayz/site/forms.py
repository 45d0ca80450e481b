"""The forms of the pages for people."""

from math import ceil
from typing import Any

from django import forms
from django.contrib.auth.validators import UnicodeUsernameValidator

from accounts.models import User
from accounts.preferences import ShowToReferrer
from accounts.throttling import TooManyRequests

SEEN_BY_REFERRER = [
    (ShowToReferrer.USERNAME, "my name"),
    (ShowToReferrer.INITIALS, "my initials"),
    (ShowToReferrer.HIDDEN, "only “a friend”"),
]


class Form(forms.Form):
    """A form of these pages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # No colon after a label that stands above its field.
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def refuse(self, refusal: TooManyRequests) -> int:
        """Say that a rate limit is reached; return the status to answer with."""
        minutes = ceil(refusal.wait / 60)
        unit = "minute" if minutes == 1 else "minutes"
        text = f"Too many attempts from your network. Try again in {minutes} {unit}."
        self.add_error(None, text)
        return refusal.status_code


class LogInForm(Form):
    """Where to send a link for logging in."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class SignUpForm(Form):
    """What an account needs, held to the same rules as at `/auth/register`."""

    username = forms.CharField(
        label="User name",
        help_text="Letters, digits and @ . + - _",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    email = forms.EmailField(
        label="E-mail address",
        help_text="Links for logging in are sent there.",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    referral_code = forms.CharField(
        label="Invitation code",
        help_text="If somebody gave you one.",
        required=False,
        widget=forms.TextInput(
            attrs={
                "class": "code",
                # Tells the stylesheet whether the field is empty, and the next one of no concern.
                "placeholder": " ",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )

    show_to_referrer = forms.ChoiceField(
        label="Whoever invited you sees",
        choices=SEEN_BY_REFERRER,
        initial=ShowToReferrer.USERNAME,
        required=False,
        widget=forms.RadioSelect,
    )

    def clean_show_to_referrer(self) -> str:
        return self.cleaned_data["show_to_referrer"] or ShowToReferrer.USERNAME

    def clean_username(self) -> str:
        """Normalise, then validate again: one character can become several."""
        name: str = User.normalize_username(self.cleaned_data["username"])
        self.fields["username"].run_validators(name)
        return name

    def clean_email(self) -> str:
        """Normalise as stored, then validate again: a domain in lower case can be longer."""
        email: str = User.objects.normalize_email(self.cleaned_data["email"])
        self.fields["email"].run_validators(email)
        return email


class ClaimForm(Form):
    """The code of an invitation, typed after signing up."""

    referral_code = forms.CharField(
        label="Invitation code",
        max_length=100,
        widget=forms.TextInput(
            attrs={"class": "code", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )
