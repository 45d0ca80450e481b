"""The office: log-ins are unlocked and failed jobs dismissed, by superusers who say why."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import AuditEntry
from accounts.tests.factories import colleague, operator
from gatewayz.tests import list_actions
from payments.tasks import close_days, retry_events
from payments.tests.at_once import execute

JOBS = "/admin/procrastinate/procrastinatejob/"


@pytest.fixture
def jobs(db: None) -> list[int]:
    """Two that failed, one of which waits to run again, and that one."""
    retry_events.configure(queueing_lock="the first").defer(timestamp=0)
    close_days.configure().defer(timestamp=0)
    execute("UPDATE procrastinate_jobs SET status = 'failed'")
    close_days.configure().defer(timestamp=0)
    return left()


def dismiss(browser: Client, ids: list[int], reason: str = "Stripe was down") -> Any:
    """Dismiss as an operator does: select in the list, then say why."""
    list_actions.ask(browser, JOBS, "dismiss", ids)
    return list_actions.run(browser, JOBS, "dismiss", ids, reason=reason)


def left() -> list[int]:
    return list(ProcrastinateJob.objects.order_by("pk").values_list("pk", flat=True))


def test_failed_jobs_are_dismissed_and_what_waits_stays(jobs: list[int]) -> None:
    dismiss(operator(), jobs)

    assert left() == jobs[2:]
    log = AuditEntry.objects.order_by("pk").values_list("action", "reason", "target_id")
    assert list(log) == [("dismiss job", "Stripe was down", job) for job in jobs[:2]]


def test_nothing_is_dismissed_without_a_reason_or_failure_nor_by_the_groups(
    jobs: list[int],
) -> None:
    page = dismiss(operator(), jobs, reason=" ")
    answer = dismiss(operator(), jobs[2:])
    for browser in map(colleague, ("Support", "Finance")):
        shown = browser.get(JOBS, {"status__exact": "failed"}).context["cl"].result_list
        dismiss(browser, jobs, reason="For fun")
        assert len(shown) == 2

    assert page.context["form"].errors.keys() == {"reason"}
    assert answer["Location"] == JOBS
    assert left() == jobs
    assert not AuditEntry.objects.exists()


def test_a_name_that_is_locked_out_is_unlocked_with_a_reason(db: None) -> None:
    for browser in ("Firefox", "Chrome"):
        AccessAttempt.objects.create(
            username="sam", ip_address="192.0.2.1", user_agent=browser, failures_since_start=10
        )
    elsewhere = AccessAttempt.objects.create(
        username="sam", ip_address="192.0.2.2", failures_since_start=3
    )
    attempt = AccessAttempt.objects.order_by("pk").first()
    assert attempt

    operator().post(f"/admin/axes/accessattempt/{attempt.pk}/unlock/", {"reason": "He rang me"})

    assert list(AccessAttempt.objects.all()) == [elsewhere]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason, entry.before["username"]) == (
        "unlock log-in",
        "He rang me",
        "sam",
    )
