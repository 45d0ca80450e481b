"""The office: groups of staff, log-ins that are locked, second factors that got lost, and jobs."""

import json
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django import app as jobs
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import second_factor
from accounts.models import User
from gatewayz.model_admin import SuperuserAdmin, action, display, operator


@admin.register(Group)
class StaffGroupAdmin(GroupAdmin, SuperuserAdmin):
    """Support and Finance are put right by each migrate; others may be made beside them."""

    ordering = ("name",)


@admin.register(AccessAttempt)
class LockedLogInAdmin(SuperuserAdmin):
    """Deleting one lets the colleague try again at once."""

    list_display = ("username", "ip_address", "failures", "attempt_time")
    fields = readonly_fields = (
        "username",
        "ip_address",
        "failures_since_start",
        "attempt_time",
        "user_agent",
    )
    search_help_text = "User name, in full"

    def found_by(self, term: str) -> list[Q]:
        return [Q(username=term)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="Wrong attempts", label={"locked": "danger", "open": "info"})
    def failures(self, attempt: AccessAttempt) -> tuple[str, str]:
        is_locked = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        return "locked" if is_locked else "open", str(attempt.failures_since_start)


@admin.register(TOTPDevice)
class SecondFactorAdmin(SuperuserAdmin):
    """Deleting one lets a colleague in who lost her phone; one's own needs a code of it."""

    list_display = ("user", "state", "created_at", "last_used_at")
    list_select_related = ("user",)
    fields = readonly_fields = ("user", "confirmed", "created_at", "last_used_at")
    search_help_text = "User name, in full"

    def found_by(self, term: str) -> list[Q]:
        return [Q(user__in=User.objects.filter(username=term).values("pk"))]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TOTPDevice | None = None) -> bool:
        is_own = obj is not None and obj.user_id == request.user.pk
        return super().has_delete_permission(request) and not is_own

    def delete_model(self, request: HttpRequest, obj: TOTPDevice) -> None:
        second_factor.remove(user=obj.user, by=operator(request), now=timezone.now())

    @display(description="State", label={True: "success", False: "warning"})
    def state(self, device: TOTPDevice) -> tuple[bool, str]:
        return device.confirmed, "on" if device.confirmed else "begun"


@admin.register(ProcrastinateJob)
class JobAdmin(SuperuserAdmin):
    """What waits, what runs, and what failed; what went well is deleted."""

    list_display = ("id", "task_name", "state", "attempts", "scheduled_at")
    list_filter = ("status",)
    fields = readonly_fields = ("task_name", "state", "attempts", "scheduled_at", "arguments")
    actions = ("retry",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_delete_permission = has_change_permission

    @display(
        description="State",
        label={"todo": "info", "doing": "warning", "failed": "danger", "succeeded": "success"},
    )
    def state(self, job: ProcrastinateJob) -> str:
        return job.status

    @display(description="Arguments")
    def arguments(self, job: ProcrastinateJob) -> str:
        return json.dumps(job.args, indent=2)

    @action(description="Try the failed ones again")
    def retry(self, request: HttpRequest, chosen: QuerySet[ProcrastinateJob]) -> None:
        now: datetime = timezone.now()
        failed = list(chosen.filter(status="failed"))
        for job in failed:
            jobs.job_manager.retry_job_by_id(job.pk, now, job.priority, job.queue_name, job.lock)
        messages.success(request, f"{len(failed)} will be tried again.")
