"""The office: groups of staff, log-ins that are locked, second factors that got lost, and jobs."""

import json
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.admin.form_audit import AuditedFormAdmin
from accounts.authentication import operator
from accounts.models import User
from accounts.reason_field import ReasonField
from gatewayz.adminbase.model_admin import (
    ReadOnlyAdmin,
    SuperuserAdmin,
    action,
    display,
    is_superuser,
)
from gatewayz.adminbase.selection import page_for
from gatewayz.operators import staff_actions


class StaffGroupForm(ModelForm):
    reason = ReasonField()


@admin.register(Group)
class StaffGroupAdmin(AuditedFormAdmin, GroupAdmin, SuperuserAdmin):
    """Support and Finance are put right by each migrate; others may be made beside them."""

    form = StaffGroupForm
    ordering = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)


@admin.register(AccessAttempt)
class LockedLogInAdmin(SuperuserAdmin):
    """Wrong attempts to log in, which are forgotten for a colleague who has to try at once."""

    list_display = ("username", "ip_address", "failures", "attempt_time")
    fields = readonly_fields = (
        "username",
        "ip_address",
        "failures_since_start",
        "attempt_time",
        "user_agent",
    )
    search_help_text = "User name, in full"
    actions_detail = ("let_try",)

    def heading(self, obj: AccessAttempt) -> str:
        return f"Attempts of {obj.username}"

    def found_by(self, term: str) -> list[Q]:
        return [Q(username=term)]

    @display(description="Wrong attempts", label={"locked": "danger", "open": "info"})
    def failures(self, attempt: AccessAttempt) -> tuple[str, str]:
        is_locked = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        return "locked" if is_locked else "open", str(attempt.failures_since_start)

    def has_unlock_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return is_superuser(request)

    @action(description="Unlock…", icon="lock_open", permissions=["unlock"])
    def let_try(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:axes_accessattempt_unlock", object_id)

    def get_urls(self) -> list[URLPattern]:
        return [self.own_page("unlock", staff_actions.unlock), *super().get_urls()]


@admin.register(TOTPDevice)
class SecondFactorAdmin(SuperuserAdmin):
    """Removed for a colleague who lost her phone; one's own needs a code of it."""

    list_display = ("user", "state", "created_at", "last_used_at")
    list_select_related = ("user",)
    fields = readonly_fields = ("user", "confirmed", "created_at", "last_used_at")
    search_help_text = "User name, in full"
    actions_detail = ("let_in",)

    def heading(self, obj: TOTPDevice) -> str:
        return f"Second factor of {obj.user}"

    def found_by(self, term: str) -> list[Q]:
        return [Q(user__in=User.objects.filter(username=term).values("pk"))]

    @display(description="State", label={True: "success", False: "warning"})
    def state(self, device: TOTPDevice) -> tuple[bool, str]:
        return device.confirmed, "on" if device.confirmed else "begun"

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        others = TOTPDevice.objects.filter(pk=object_id).exclude(user=operator(request))
        return is_superuser(request) and others.exists()

    @action(description="Remove…", icon="phonelink_erase", permissions=["remove"])
    def let_in(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:otp_totp_totpdevice_remove", object_id)

    def get_urls(self) -> list[URLPattern]:
        return [self.own_page("remove", staff_actions.remove_second_factor), *super().get_urls()]


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnlyAdmin):
    """What waits, what runs, and what failed; what went well is deleted."""

    list_display = ("id", "task_name", "state", "attempts", "scheduled_at")
    list_filter = ("status",)
    fields = readonly_fields = ("task_name", "state", "attempts", "scheduled_at", "arguments")
    actions = ("dismiss",)

    def heading(self, obj: ProcrastinateJob) -> str:
        return f"{obj.task_name} #{obj.pk}"

    @display(
        description="State",
        label={"todo": "info", "doing": "warning", "failed": "danger", "succeeded": "success"},
    )
    def state(self, job: ProcrastinateJob) -> str:
        return job.status

    @display(description="Arguments")
    def arguments(self, job: ProcrastinateJob) -> str:
        return json.dumps(job.args, indent=2)

    def has_dismiss_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    @action(description="Dismiss, with one reason for all", permissions=["dismiss"])
    def dismiss(self, request: HttpRequest, jobs: QuerySet[ProcrastinateJob]) -> HttpResponse:
        ids = jobs.filter(status="failed").values_list("pk", flat=True)
        if not ids:
            messages.info(request, "None of these failed; the others go on by themselves.")
            return redirect("admin:procrastinate_procrastinatejob_changelist")
        return HttpResponseRedirect(page_for("procrastinate_procrastinatejob_dismiss", ids))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dismiss_view)
        ours = path("dismiss/", view, name="procrastinate_procrastinatejob_dismiss")
        return [ours, *super().get_urls()]

    def dismiss_view(self, request: HttpRequest) -> HttpResponse:
        return staff_actions.dismiss_jobs(self, request)
