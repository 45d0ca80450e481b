"""Records in the audit log what an admin form changed: before, after and why."""

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.authentication import operator
from gatewayz.adminbase.model_admin import ModelAdmin, is_superuser

# Fields that are not the row's, or must not be stored.
_NOT_RECORDED = {"reason", "password", "password1", "password2", "usable_password"}


class AuditedFormAdmin(ModelAdmin):
    """Saves forms that have a `reason`, and records what they changed, if anything.

    They are about staff, so they are for superusers: customers register by themselves.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Record it once all of the form is saved, in the same transaction."""
        super().save_related(request, form, formsets, change)
        names = [name for name in form.changed_data if name not in _NOT_RECORDED]
        if not names:
            return
        audit.record(
            by=operator(request),
            action=f"{'edit' if change else 'add'} {self.opts.verbose_name}",
            target=form.instance,
            reason=form.cleaned_data["reason"],
            before={name: _describe(form.initial.get(name)) for name in names} if change else {},
            after={name: _describe(form.cleaned_data[name]) for name in names},
            now=timezone.now(),
        )


def _describe(value: Any) -> Any:
    """Return a value as the log keeps it: a row as its name."""
    if isinstance(value, list | QuerySet):
        return sorted(str(one) if isinstance(one, Model) else one for one in value)
    return value
