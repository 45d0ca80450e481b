"""The forms in which a superuser adds and edits accounts, and sets passwords; each asks why."""

from typing import Any

from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import User
from gatewayz.reasons import ReasonField


class PersonForm(UserChangeForm):
    reason = ReasonField()


class NewPersonForm(UserCreationForm):
    reason = ReasonField()


class PasswordForm(AdminPasswordChangeForm):
    """A new password for a colleague; an account is closed by deactivating it, not by this."""

    reason = ReasonField()

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields.pop("usable_password", None)
