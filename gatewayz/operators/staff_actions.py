"""What superusers do in the office: unlock log-ins, remove second factors, dismiss failed jobs."""

from axes.models import AccessAttempt
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import operator_login, second_factor
from accounts.authentication import operator
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, ask
from gatewayz.adminbase.formatting import moment
from gatewayz.adminbase.model_admin import ModelAdmin, is_superuser
from gatewayz.adminbase.selection import chosen
from gatewayz.operators import jobs


def unlock(page: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Let a colleague try to log in again at once."""
    _require_superuser(request)
    attempt = get_object_or_404(AccessAttempt, pk=pk)
    back = reverse("admin:axes_accessattempt_changelist")
    form = ReasonForm(request.POST or None)
    if not form.is_valid():
        question = Question(
            title=f"Unlock the log-in of {attempt.username}",
            consequences=[
                "The wrong attempts of this name from this address are forgotten.",
                "Be sure that it was the colleague who mistyped, and nobody who guesses.",
            ],
            button="Unlock",
            variant="primary",
        )
        return ask(page, request, question, form, back=back)
    reason = form.cleaned_data["reason"]
    operator_login.unlock(attempt, by=operator(request), reason=reason, now=timezone.now())
    messages.success(request, f"{attempt.username} can try again.")
    return redirect(back)


def remove_second_factor(page: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Let a colleague in who lost her phone; one's own is turned off with a code of it."""
    _require_superuser(request)
    device = get_object_or_404(TOTPDevice.objects.select_related("user"), pk=pk)
    if device.user == operator(request):
        raise PermissionDenied
    back = reverse("admin:otp_totp_totpdevice_changelist")
    form = ReasonForm(request.POST or None)
    if not form.is_valid():
        question = Question(
            title=f"Remove the second factor of {device.user}",
            consequences=[
                "The password alone logs in again, and the backup codes are gone.",
                "Be sure that it is the colleague who asks: see or call the person.",
            ],
            button="Remove it",
        )
        return ask(page, request, question, form, back=back)
    reason, now = form.cleaned_data["reason"], timezone.now()
    second_factor.remove(user=device.user, by=operator(request), reason=reason, now=now)
    messages.success(request, f"{device.user} logs in by the password alone.")
    return redirect(back)


def dismiss_jobs(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Take note of jobs that failed, so that nobody is asked to look at them any more."""
    _require_superuser(request)
    failed = chosen(request, ProcrastinateJob.objects.filter(status="failed"))
    back = reverse("admin:procrastinate_procrastinatejob_changelist")
    if not failed:
        messages.info(request, "None of these is there any more.")
        return redirect(back)
    form = ReasonForm(request.POST or None)
    if not form.is_valid():
        return ask(page, request, _about_jobs(failed), form, back=back)
    reason, now = form.cleaned_data["reason"], timezone.now()
    done = jobs.dismiss(failed, by=operator(request), reason=reason, now=now)
    messages.success(request, f"Dismissed {len(done)}.")
    return redirect(back)


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


def _require_superuser(request: HttpRequest) -> None:
    if not is_superuser(request):
        raise PermissionDenied
