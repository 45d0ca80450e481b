"""The jobs that failed: each goes on by itself with its next run, and the row is only the news."""

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
    """Delete jobs that failed, and return those that were; another state stays as it is.

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
