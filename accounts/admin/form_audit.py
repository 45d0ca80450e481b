"""Records in the audit log what an admin form changed: before, after and why."""

from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.authentication import operator
from accounts.models import User
from gatewayz.adminbase.model_admin import ModelAdmin

# Fields that are not the row's, or must not be stored.
_NOT_RECORDED = {"reason", "password", "password1", "password2", "usable_password"}


def record(form: ModelForm, *, by: User, is_new: bool, now: datetime) -> None:
    """Record what the saved form, which has a `reason`, changed; if it changed anything."""
    names = [name for name in form.changed_data if name not in _NOT_RECORDED]
    if not names:
        return
    row = form.instance
    audit.record(
        by=by,
        action=f"{'add' if is_new else 'edit'} {row._meta.verbose_name}",
        target=row,
        reason=form.cleaned_data["reason"],
        before={} if is_new else {name: _describe(form.initial.get(name)) for name in names},
        after={name: _describe(form.cleaned_data[name]) for name in names},
        now=now,
    )


def _describe(value: Any) -> Any:
    """Return a value as the log keeps it: a row as its name."""
    if isinstance(value, list | QuerySet):
        return sorted(str(one) if isinstance(one, Model) else one for one in value)
    return value


class AuditedFormAdmin(ModelAdmin):
    """Records in the audit log what a saved form of the admin changed."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Record it once all of the form is saved, in the same transaction."""
        super().save_related(request, form, formsets, change)
        record(form, by=operator(request), is_new=not change, now=timezone.now())
