"""Dismisses jobs that failed: each runs again by itself, and the row is only a notice."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import audit
from accounts.models import User


@transaction.atomic
def dismiss(
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
