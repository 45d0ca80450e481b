"""The pages about staff: groups, locked log-ins and second factors; and the background jobs."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import audit, operator_login, row_ids, second_factor
from accounts.admin.form_audit import AuditedFormAdmin
from accounts.authentication import operator
from accounts.models import User
from accounts.reason_field import ReasonField, ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm, selected
from gatewayz.adminbase.formatting import moment
from gatewayz.adminbase.model_admin import (
    Columns,
    ReadOnlyAdmin,
    SuperuserAdmin,
    action,
    display,
    is_superuser,
    row_action,
)


class StaffGroupForm(ModelForm):
    reason = ReasonField()


@admin.register(Group)
class StaffGroupAdmin(AuditedFormAdmin, GroupAdmin, SuperuserAdmin):
    """Support and Finance are put right by each migrate; others may be made beside them."""

    form = StaffGroupForm
    ordering = ("name",)


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
    actions_detail = ("unlock",)

    def heading(self, obj: AccessAttempt) -> str:
        return f"Attempts of {obj.username}"

    def found_by(self, term: str) -> list[Q]:
        return [Q(username=term)]

    @display(description="Wrong attempts", label={"locked": "danger", "open": "info"})
    def failures(self, attempt: AccessAttempt) -> tuple[str, str]:
        is_locked = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        return "locked" if is_locked else "open", str(attempt.failures_since_start)

    @row_action("Unlock…", "lock_open", "superuser")
    def unlock(self, request: HttpRequest, attempt: AccessAttempt) -> HttpResponse:
        """Let a colleague try to log in again at once."""

        def act(reason: str) -> str:
            operator_login.unlock(attempt, by=operator(request), reason=reason, now=timezone.now())
            return f"{attempt.username} can try again."

        question = Question(
            title=f"Unlock the log-in of {attempt.username}",
            consequences=[
                "The wrong attempts of this name from this address are forgotten.",
                "Be sure that it was the colleague who mistyped, and nobody who guesses.",
            ],
            button="Unlock",
            variant="primary",
        )
        back = reverse("admin:axes_accessattempt_changelist")
        return confirm(self, request, question, ReasonForm, act, back=back)


@admin.register(TOTPDevice)
class SecondFactorAdmin(SuperuserAdmin):
    """Removed for colleagues who lost their phone; your own is turned off with a code of it."""

    list_display = ("user", "state", "created_at", "last_used_at")
    list_select_related = ("user",)
    fields = readonly_fields = ("user", "confirmed", "created_at", "last_used_at")
    search_help_text = "User name, in full"
    actions_detail = ("remove",)

    def heading(self, obj: TOTPDevice) -> str:
        return f"Second factor of {obj.user}"

    def found_by(self, term: str) -> list[Q]:
        return [Q(user__in=User.objects.filter(username=term).values("pk"))]

    state = Columns(TOTPDevice)(
        "State",
        lambda device: (device.confirmed, "on" if device.confirmed else "begun"),
        label={True: "success", False: "warning"},
    )

    def has_remove_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        others = TOTPDevice.objects.filter(pk=row_ids.parse(str(object_id))).exclude(
            user=operator(request)
        )
        return is_superuser(request) and others.exists()

    @row_action("Remove…", "phonelink_erase", "remove")
    def remove(self, request: HttpRequest, device: TOTPDevice) -> HttpResponse:
        """Let a colleague in who lost their phone."""
        person = device.user

        def act(reason: str) -> str:
            second_factor.remove(
                user=person, by=operator(request), reason=reason, now=timezone.now()
            )
            return f"{person} logs in by the password alone."

        question = Question(
            title=f"Remove the second factor of {person}",
            consequences=[
                "The password alone logs in again, and the backup codes are gone.",
                "Be sure that it is the colleague who asks: see or call the person.",
            ],
            button="Remove it",
        )
        back = reverse("admin:otp_totp_totpdevice_changelist")
        return confirm(self, request, question, ReasonForm, act, back=back)


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

    arguments = Columns(ProcrastinateJob)("Arguments", lambda job: json.dumps(job.args, indent=2))

    def has_dismiss_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    @action(description="Dismiss, with one reason for all", permissions=["dismiss"])
    def dismiss(self, request: HttpRequest, listed: QuerySet[ProcrastinateJob]) -> HttpResponse:
        """Take note of jobs that failed, so that nobody is asked to look at them any more."""
        failed = selected(listed.filter(status="failed"))

        def act(reason: str) -> str:
            now = timezone.now()
            done = dismiss_jobs(failed, by=operator(request), reason=reason, now=now)
            return f"Dismissed {len(done)}."

        question, back = _about_jobs(failed), request.get_full_path()
        return confirm(self, request, question, ReasonForm, act, back=back, rows=failed)


def _about_jobs(failed: list[ProcrastinateJob]) -> Question:
    rows = [[str(job.pk), job.task_name, job.attempts, moment(job.scheduled_at)] for job in failed]
    return Question(
        title="Dismiss one failed job" if len(failed) == 1 else f"Dismiss {len(failed)} jobs",
        consequences=[
            "Each of these runs again by itself, as often as it should; nothing is lost.",
            "Why it failed is in the log of the worker.",
        ],
        table={"headers": ["Id", "Job", "Attempts", "Was to run at (UTC)"], "rows": rows},
        button="Dismiss",
        variant="primary",
    )


@transaction.atomic
def dismiss_jobs(
    failed: Sequence[ProcrastinateJob], *, by: User, reason: str, now: datetime
) -> list[ProcrastinateJob]:
    """Delete those of the jobs that are in the state "failed", and return them.

    Raises ReasonMissingError.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE id = ANY(%s) AND status = 'failed' RETURNING id",
            [[job.pk for job in failed]],
        )
        gone = {pk for (pk,) in cursor.fetchall()}
    dismissed = [job for job in failed if job.pk in gone]
    for job in dismissed:
        audit.record(
            by=by,
            action="dismiss job",
            target=job,
            reason=reason,
            before={"task": job.task_name, "status": job.status, "attempts": job.attempts},
            now=now,
        )
    return dismissed
