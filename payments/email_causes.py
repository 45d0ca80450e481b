"""Finds what happened that people get an e-mail about, and queues one e-mail for each cause.

Nothing is written where it happens: settling a purchase costs what it did. People, referrals and
ledger entries are never deleted, so they are the outbox: each minute a job reads the rows that are
new since its last run. The e-mails and the place up to which the rows were read are committed
together, and the database keeps one e-mail for each cause (`emails_one_for_each_cause`).
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from accounts.complete_rows import complete_until
from accounts.models import EmailSource, LedgerEntry, User
from referrals.models import Referral

# What is older is no news: after a time without a worker or a mail server nobody gets a heap of it.
NEWS_AGE = timedelta(days=3)
# Rows of one statement, which has a time limit.
BATCH_SIZE = 10_000

_OF_ENTRIES = """
SELECT entry.user_id, CASE
           WHEN entry.kind IN ('referrer_bonus', 'referee_bonus') THEN 'bonus_earned'
           WHEN original.kind IN ('referrer_bonus', 'referee_bonus') THEN 'bonus_taken_back'
           ELSE 'adjustment' END, entry.id, entry.created_at
FROM ledger_entries entry LEFT JOIN ledger_entries original ON original.id = entry.reverses_id
WHERE entry.id > %(after)s AND entry.id <= %(until)s
  AND COALESCE(original.kind, entry.kind) IN ('referrer_bonus', 'referee_bonus', 'adjustment')
"""
# One welcome for each mailbox: anybody can sign up with an address of somebody else's, and with
# any number of its tags.
_OF_USERS = """
SELECT id, 'welcome', id, created_at FROM users
WHERE id > %(after)s AND id <= %(until)s AND referral_code IS NOT NULL AND NOT EXISTS (
    SELECT FROM users earlier WHERE earlier.mailbox = users.mailbox AND earlier.id < users.id)
UNION ALL
SELECT referrer.id, 'friend_signed_up', friend.id, friend.created_at
FROM users friend JOIN users referrer ON referrer.referral_code = friend.referred_by_code
WHERE friend.id > %(after)s AND friend.id <= %(until)s AND friend.is_active
"""
# A bonus that is held later, after it was paid, is an entry that takes it back.
_OF_REFERRALS = """
SELECT unnest(ARRAY[referrer_id, referred_user_id]), 'bonus_held', id, completed_at
FROM referrals
WHERE id > %(after)s AND id <= %(until)s AND status = 'held' AND awards = 0
"""
_QUEUE = """
INSERT INTO emails (user_id, template, cause_id, caused_at, due_at, attempts, outcome)
SELECT cause.*, %(now)s, 0, 'waiting'
FROM ({causes}) cause (user_id, template, cause_id, caused_at)
JOIN users ON users.id = cause.user_id AND users.is_active AND NOT users.is_staff
WHERE caused_at > %(oldest)s
ON CONFLICT DO NOTHING
"""
_SOURCES: dict[type[Model], str] = {
    User: _OF_USERS,
    LedgerEntry: _OF_ENTRIES,
    Referral: _OF_REFERRALS,
}


def queue_new(*, now: datetime) -> int:
    """Queue the e-mails about what is new, and return how many.

    A transaction that takes too long holds up the news of its table until the next run.
    """
    return sum(_queue_all(model, now=now) for model in _SOURCES)


def skip_all() -> None:
    """Queue none about what there is until now, such as example data."""
    for model in _SOURCES:
        newest = model._default_manager.order_by("-pk").first()
        place = {"last_id": newest.pk if newest else 0}
        EmailSource.objects.update_or_create(table=model._meta.db_table, defaults=place)


def _queue_all(model: type[Model], *, now: datetime) -> int:
    until, queued = complete_until(model), 0
    if until is None:
        return 0
    while (count := _queue_batch(model, until, now=now)) is not None:
        queued += count
    return queued


@transaction.atomic
def _queue_batch(model: type[Model], until: int, *, now: datetime) -> int | None:
    """Queue those of the next rows; None when all up to `until` were read."""
    table = model._meta.db_table
    # Race: of two workers one waits here, and then finds that there is nothing left.
    EmailSource.objects.bulk_create([EmailSource(table=table, last_id=0)], ignore_conflicts=True)
    source = EmailSource.objects.select_for_update().get(table=table)
    if source.last_id >= until:
        return None
    params: dict[str, Any] = {
        "after": source.last_id,
        "until": min(until, source.last_id + BATCH_SIZE),
        "now": now,
        "oldest": now - NEWS_AGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE.format(causes=_SOURCES[model]), params)
        queued: int = cursor.rowcount
    source.last_id = params["until"]
    source.save(update_fields=["last_id"])
    return queued
