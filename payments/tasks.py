"""What goes on by itself: the periodic jobs, run by `manage.py procrastinate worker`.

A job that goes through many reads the clock for each: what it posts near midnight must not come
to lie on a day whose figures are closed already.
"""

from datetime import timedelta

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from payments import cards, checkout, inbox, reconciliation
from payments.reports import daily, leaderboard, ledger_checks
from payments.stripe_gateway import StripeUnavailableError

log = structlog.get_logger(__name__)

# An hourly look with room for a day in which it could not be had.
RECONCILED = timedelta(days=1)
# After so many questions in a row without an answer Stripe is down, and is not asked any more.
PATIENCE = 5


class LedgerBroken(Exception):
    """An invariant of money does not hold: somebody has to look now."""


@app.periodic(cron="* * * * *")
@app.task(name="retry_events", queueing_lock="retry_events")
def retry_events(timestamp: int) -> None:
    """Attempt events again that were left unprocessed for five minutes, ever more seldom."""
    for event_id in inbox.due(now=timezone.now()):
        event = inbox.attempt(event_id, now=timezone.now())
        log.info("event_retried", event_id=event.event_id, outcome=event.outcome)


@app.periodic(cron="* * * * *")
@app.task(name="check_cards", queueing_lock="check_cards")
def check_cards(timestamp: int) -> None:
    """Hold referrals with one card on both sides.

    Raises StripeUnavailableError at the end if Stripe gave no answer for any of them.
    """
    failure, in_a_row = None, 0
    for payment in cards.unchecked():
        try:
            cards.check(payment, now=timezone.now())
            in_a_row = 0
        except StripeUnavailableError as error:
            failure, in_a_row = error, in_a_row + 1
            log.warning("card_not_checked", payment_id=payment.pk, reason=str(error))
        if in_a_row == PATIENCE:
            break
    if failure:
        raise failure


@app.periodic(cron="7 * * * *")
@app.task(name="reconcile_stripe", queueing_lock="reconcile_stripe")
def reconcile_stripe(timestamp: int) -> None:
    """Make up for what never reached us."""
    for found in reconciliation.differences(since=timezone.now() - RECONCILED):
        outcome = reconciliation.make_up_for(found, now=timezone.now())
        log.warning("reconciled", stripe_id=found.stripe_id, what=found.what, outcome=outcome)


@app.periodic(cron="37 * * * *")
@app.task(name="close_expired_payments", queueing_lock="close_expired_payments")
def close_expired_payments(timestamp: int) -> None:
    """Close the purchases that nobody paid in time."""
    if count := checkout.close_expired(now=timezone.now()):
        log.info("payments_expired", count=count)


@app.periodic(cron="*/5 * * * *")
@app.task(name="refresh_leaderboard", queueing_lock="refresh_leaderboard")
def refresh_leaderboard(timestamp: int) -> None:
    """Count the leaderboards anew."""
    leaderboard.refresh(now=timezone.now())


@app.periodic(cron="12 * * * *")
@app.task(name="close_days", queueing_lock="close_days")
def close_days(timestamp: int) -> None:
    """Keep the figures of each day that is over."""
    if count := daily.close_days(now=timezone.now()):
        log.info("days_closed", count=count)


@app.periodic(cron="17 3 * * *")
@app.task(name="check_ledger", queueing_lock="check_ledger")
def check_ledger(timestamp: int) -> None:
    """Check every invariant of money. Raises LedgerBroken."""
    found = ledger_checks.run(now=timezone.now())
    for breach in found:
        log.error("ledger_broken", invariant=breach.invariant, subject=breach.subject)
    if found:
        raise LedgerBroken(f"{len(found)} breaches; run `manage.py check_ledger`")
