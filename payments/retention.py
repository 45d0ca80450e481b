"""Deletes what is over once it is older than its retention (RETENTION_…), a batch at a time.

It never touches money: no ledger entry, no referral, no purchase that was paid or may still be.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import structlog
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from accounts.models import ApiKey, Email
from payments.models import Clawback, DailyTotals, Payment, StripeEvent
from referrals.models import InviteView

log = structlog.get_logger(__name__)

Outcome = StripeEvent.Outcome
Status = Payment.Status

# Rows of one transaction.
BATCH_SIZE = 1000
# So many events before the last one without a body are looked at again: they may have been
# unfinished in the last run.
LOOK_BACK = 100_000
_PAID_OR_NEVER = (Status.PAID, Status.FAILED, Status.EXPIRED)
_DONE = (Outcome.SETTLED, Outcome.REPEATED, Outcome.APPLIED, Outcome.CLOSED, Outcome.RESOLVED)
_FINISHED = Q(outcome__in=_DONE) | Q(outcome=Outcome.WAITING, payment__status__in=_PAID_OR_NEVER)
# What Stripe says of a purchase that nobody paid.
_UNPAID_OUTCOMES = (Outcome.CLOSED, Outcome.REPEATED, Outcome.WAITING)


def purge(*, now: datetime) -> dict[str, int]:
    """Delete what is older than its retention, or empty it; return how many rows of each kind."""
    return {
        kind: _PURGES[kind](now - age)
        for kind, age in settings.RETENTION.items()
        if age is not None
    }


def _purge_invite_views(before: datetime) -> int:
    """Delete the views of days whose totals are stored."""
    closed = DailyTotals.objects.filter(day=OuterRef("day"))
    return _delete(InviteView.objects.filter(Exists(closed), day__lt=before.date()))


_FAILED_JOBS = """
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT id FROM procrastinate_jobs job
    WHERE status = 'failed'
        AND NOT EXISTS (SELECT FROM procrastinate_events WHERE job_id = job.id AND at >= %s)
    LIMIT %s)
"""


def _purge_failed_jobs(before: datetime) -> int:
    """Delete the jobs that failed: while Stripe is down for a day, 1,440 of one kind do."""

    def delete_batch() -> int:
        with _short_transaction(), connection.cursor() as cursor:
            cursor.execute(_FAILED_JOBS, [before, BATCH_SIZE])
            deleted: int = cursor.rowcount
        return deleted

    return _in_batches(delete_batch)


def _purge_events(before: datetime) -> int:
    """Delete ignored events; empty the body of those that are finished, and keep their outcome.

    An ignored event keeps its body until then, because a later version may be able to replay it.
    """
    ignored = StripeEvent.objects.filter(outcome=Outcome.IGNORED, received_at__lt=before)
    return _delete(ignored) + _empty_bodies(before)


def _empty_bodies(before: datetime) -> int:
    emptied = StripeEvent.objects.filter(body=b"")
    last: int = (emptied.aggregate(last=Max("pk"))["last"] or 0) - LOOK_BACK
    count = 0
    while True:
        events = StripeEvent.objects.filter(pk__gt=last).order_by("pk")
        batch = list(events.values_list("pk", "received_at")[:BATCH_SIZE])
        old = [pk for pk, received_at in batch if received_at < before]
        if not old:
            return count
        finished = StripeEvent.objects.filter(_FINISHED, pk__in=old).exclude(body=b"")
        count += finished.update(body=b"")
        last = batch[-1][0]


def _purge_unpaid_payments(before: datetime) -> int:
    """Delete purchases that failed or expired, with the events that say so."""
    if StripeEvent.objects.filter(processed_at=None).exists():
        # One of them may say that such a purchase was paid after all.
        log.warning("purge_postponed", kind="unpaid_payments")
        return 0
    # By status: the index payments_by_status then has the oldest at its end.
    return sum(
        _in_batches(partial(_delete_unpaid, status, before))
        for status in (Status.FAILED, Status.EXPIRED)
    )


def _delete_unpaid(status: str, before: datetime) -> int:
    with _short_transaction():
        # Race: an event that settles the purchase has locked it, and makes it paid.
        unpaid = _unpaid(status, before).select_for_update(of=("self",), skip_locked=True)
        batch = list(unpaid.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
        StripeEvent.objects.filter(payment__in=batch).delete()
        Payment.objects.filter(pk__in=batch).delete()
    return len(batch)


def _unpaid(status: str, before: datetime) -> QuerySet[Payment]:
    """Return the unpaid purchases of this status that nothing else refers to."""
    clawbacks, events = Clawback.objects, StripeEvent.objects.filter(payment=OuterRef("pk"))
    return Payment.objects.filter(
        ~Exists(clawbacks.filter(payment=OuterRef("pk"))),
        ~Exists(clawbacks.filter(payment_intent_id=OuterRef("payment_intent_id"))),
        ~Exists(events.exclude(outcome__in=_UNPAID_OUTCOMES)),
        status=status,
        created_at__lt=before,
        ledger_entry=None,
        referral=None,
    )


def _delete(rows: QuerySet) -> int:
    def delete_batch() -> int:
        with _short_transaction():
            batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
            # Asked for again: meanwhile somebody may have changed a row, so that it stays.
            _, by_model = rows.filter(pk__in=batch).delete()
        return by_model.get(rows.model._meta.label, 0)

    return _in_batches(delete_batch)


def _in_batches(delete_batch: Callable[[], int]) -> int:
    """Repeat until nothing is left; return the sum."""
    return sum(iter(delete_batch, 0))


@contextmanager
def _short_transaction() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        # Finding a batch may take longer than the limit for a request.
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


_PURGES: dict[str, Callable[[datetime], int]] = {
    "sessions": lambda before: _delete(Session.objects.filter(expire_date__lt=before)),
    "log_in_attempts": lambda before: _delete(
        AccessAttempt.objects.filter(attempt_time__lt=before)
    ),
    "revoked_keys": lambda before: _delete(ApiKey.objects.filter(revoked_at__lt=before)),
    "unpaid_payments": _purge_unpaid_payments,
    "events": _purge_events,
    "invite_views": _purge_invite_views,
    "failed_jobs": _purge_failed_jobs,
    # Also those that wait, where no mail server is set: they are no news any more.
    "emails": lambda before: _delete(Email.objects.filter(due_at__lt=before)),
}
