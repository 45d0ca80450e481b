"""The page on which a member of staff changes their own password."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from unfold.forms import AdminOwnPasswordChangeForm

from accounts import audit
from accounts.reason_field import ReasonField


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """The old password, the new one twice, and why."""

    reason = ReasonField()

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        user = super().save(commit)
        audit.record(
            by=user,
            action="change own password",
            target=user,
            reason=self.cleaned_data["reason"],
            now=timezone.now(),
        )
        return user


def page(request: HttpRequest) -> HttpResponseBase:
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        template_name="admin/auth/user/change_password.html",
        success_url=reverse("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)
