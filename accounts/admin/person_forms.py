"""The forms with which a superuser adds and edits accounts and sets passwords; each asks why."""

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import people
from accounts.models import User
from accounts.reason_field import ReasonField


class PersonForm(UserChangeForm):
    reason = ReasonField()

    def clean(self) -> dict[str, Any]:
        """Refuse to remove the last superuser."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not (cleaned.get("is_staff") and cleaned.get("is_superuser")):
            try:
                people.require_another_superuser(self.instance)
            except people.LastSuperuserError as refusal:
                raise ValidationError(f"{refusal}.") from None
        return cleaned


class NewPersonForm(UserCreationForm):
    reason = ReasonField()


class PasswordForm(AdminPasswordChangeForm):
    """A new password for a colleague; an account is closed by deactivating it, not by this."""

    reason = ReasonField()

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields.pop("usable_password", None)
