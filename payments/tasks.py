"""The periodic jobs, run by `manage.py worker`.

`queueing_lock` keeps at most one run of a job waiting. A job that processes many rows reads the
clock for each row: an entry that is posted after midnight must not get a date for which
`close_days` has already stored the totals.
"""

import time
from collections.abc import Iterator
from datetime import timedelta

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from accounts import ledger_seals, people
from payments import (
    cards,
    checkout,
    email_causes,
    email_delivery,
    erasure,
    event_redaction,
    inbox,
    reconciliation,
    retention,
)
from payments.models import Payment, StripeComparison
from payments.reports import daily, leaderboard, ledger_checks, stripe_comparison
from payments.stripe_gateway import StripeUnavailableError

log = structlog.get_logger(__name__)

# The job runs hourly; a day lets it catch up after an outage.
RECONCILE_WINDOW = timedelta(days=1)
# After this many consecutive calls without an answer, the job assumes that Stripe is down.
MAX_FAILURES_IN_A_ROW = 5
# A job that ends its worker this many times ends it each time: it fails, and others go on.
MAX_STALLS = 3
# The job runs each minute; the rest of the minute is for the other jobs.
CHECK_CARDS_SECONDS = 50


class LedgerBroken(Exception):
    """An invariant of money is broken: an operator must look at it now."""


@app.periodic(cron="* * * * *")
@app.task(name="retry_events", queueing_lock="retry_events")
def retry_events(timestamp: int) -> None:
    """Process events again that failed, or stayed unprocessed for five minutes."""
    for event_id in inbox.due_for_retry(now=timezone.now()):
        event = inbox.attempt(event_id, now=timezone.now())
        log.info("event_retried", event_id=event.event_id, outcome=event.outcome)


@app.periodic(cron="* * * * *")
@app.task(name="check_cards", queueing_lock="check_cards")
def check_cards(timestamp: int) -> None:
    """Hold referrals with one card on both sides.

    Raises the last StripeUnavailableError at the end, so that the job counts as failed.
    """
    failure, in_a_row = None, 0
    for payment in _payments_to_check():
        try:
            cards.check(payment, now=timezone.now())
            in_a_row = 0
        except StripeUnavailableError as error:
            failure, in_a_row = error, in_a_row + 1
            log.warning("card_not_checked", payment_id=payment.pk, reason=str(error))
        if in_a_row == MAX_FAILURES_IN_A_ROW:
            break
    if failure:
        raise failure


def _payments_to_check() -> Iterator[Payment]:
    """Yield batch after batch until none waits, or the time is over."""
    ends_at = time.monotonic() + CHECK_CARDS_SECONDS
    is_full = True
    while is_full:
        batch = cards.payments_to_check()
        is_full = len(batch) == cards.BATCH_SIZE
        for payment in batch:
            if time.monotonic() > ends_at:
                return
            yield payment


@app.periodic(cron="* * * * *")
@app.task(name="send_emails", queueing_lock="send_emails")
def send_emails(timestamp: int) -> None:
    """Send an e-mail about each thing that is new. Raises EmailNotSentError at the end."""
    email_causes.queue_new(now=timezone.now())
    if count := email_delivery.send_due():
        log.info("emails_sent", count=count)


@app.periodic(cron="7 * * * *")
@app.task(name="reconcile_stripe", queueing_lock="reconcile_stripe")
def reconcile_stripe(timestamp: int) -> None:
    """Process what Stripe has and we have not received."""
    for found in reconciliation.differences(since=timezone.now() - RECONCILE_WINDOW):
        outcome = reconciliation.resolve(found, now=timezone.now())
        log.warning("reconciled", stripe_id=found.stripe_id, outcome=outcome, why=found.difference)


@app.periodic(cron="37 * * * *")
@app.task(name="close_expired_payments", queueing_lock="close_expired_payments")
def close_expired_payments(timestamp: int) -> None:
    """Close the purchases that were not paid in time."""
    if count := checkout.close_expired(now=timezone.now()):
        log.info("payments_expired", count=count)


@app.periodic(cron="*/5 * * * *")
@app.task(name="refresh_leaderboard", queueing_lock="refresh_leaderboard")
def refresh_leaderboard(timestamp: int) -> None:
    """Replace the snapshot of the leaderboard."""
    leaderboard.refresh(now=timezone.now())


@app.periodic(cron="*/5 * * * *")
@app.task(name="retry_stalled_jobs", queueing_lock="retry_stalled_jobs")
async def retry_stalled_jobs(timestamp: int) -> None:
    """Queue the jobs again whose worker ended in the middle of them."""
    jobs = app.job_manager
    for job in await jobs.get_stalled_jobs():
        stalls = job.attempts + 1
        log.error("job_stalled", task=job.task_name, job_id=job.id, stalls=stalls)
        if stalls >= MAX_STALLS:
            await jobs.finish_job(job, status=Status.FAILED, delete_job=False)
            continue
        try:
            await jobs.retry_job(job)
        except UniqueViolation:
            # The next run of this job waits already, and does the same.
            await jobs.finish_job(job, status=Status.ABORTED, delete_job=True)


@app.periodic(cron="*/5 * * * *")
@app.task(name="seal_ledger", queueing_lock="seal_ledger")
def seal_ledger(timestamp: int) -> None:
    """Seal the ledger's new entries."""
    if count := ledger_seals.seal_new_entries(now=timezone.now()):
        head = str(ledger_seals.newest())
        # A log is kept elsewhere than the database: its heads show whether entries changed later.
        log.info("ledger_sealed", count=count, head=head)


@app.periodic(cron="12 * * * *")
@app.task(name="close_days", queueing_lock="close_days")
def close_days(timestamp: int) -> None:
    """Store the totals of each day that is over, and what days of earlier versions lack."""
    if count := daily.close_days(now=timezone.now()):
        log.info("days_closed", count=count)
    while count := daily.fill_days():
        log.info("days_filled", count=count)


@app.task(name="compare_with_stripe")
def compare_with_stripe(comparison_id: int) -> None:
    """Compare the days of a row of the month page with Stripe; Finance asks for it."""
    row = StripeComparison.objects.get(pk=comparison_id)
    stripe_comparison.run(row, now=timezone.now())
    log.info("compared_with_stripe", days=str(row), error=row.error)


@app.periodic(cron="27 2 * * *")
@app.task(name="fold_people", queueing_lock="fold_people")
def fold_people(timestamp: int) -> None:
    """Fold the names and addresses that another program wrote."""
    if count := people.fold_missing():
        log.info("people_folded", count=count)


@app.periodic(cron="37 2 * * *")
@app.task(name="close_deferred_events", queueing_lock="close_deferred_events")
def close_deferred_events(timestamp: int) -> None:
    """End the wait of refunds and disputes for their purchase."""
    if count := inbox.close_deferred(now=timezone.now()):
        log.info("deferred_events_closed", count=count)


@app.periodic(cron="47 2 * * *")
@app.task(name="purge", queueing_lock="purge")
def purge(timestamp: int) -> None:
    """Delete what is over and older than its retention, and what arrived of erased people."""
    erasure.erase_late_payments(now=timezone.now())
    if count := event_redaction.redact_late_events():
        log.info("events_redacted", count=count)
    for kind, rows in retention.purge(now=timezone.now()).items():
        log.info("purged", kind=kind, rows=rows)


@app.periodic(cron="17 3 * * *")
@app.task(name="check_ledger", queueing_lock="check_ledger")
def check_ledger(timestamp: int) -> None:
    """Check every invariant of money. Raises LedgerBroken."""
    found = ledger_checks.run(now=timezone.now())
    for breach in found:
        log.error("ledger_broken", invariant=breach.invariant, subject=breach.subject)
    if found:
        raise LedgerBroken(f"{len(found)} breaches; run `manage.py check_ledger`")
