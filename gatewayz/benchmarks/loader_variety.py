"""The rows that are rarer than a paid purchase: each status, kind and decision that a list shows.

What happened to a person follows from their number, so that each kind grows with the size.
"""

from uuid import uuid4

from django.utils import timezone

from accounts import adjustments
from accounts.models import Adjustment
from payments import inbox
from payments.models import StripeEvent

# Without it PostgreSQL takes the tables for empty, and reads them whole for each row of another.
_ANALYZE = "ANALYZE users, payments, referrals"

# Nobody logs in, and few are staff.
_PEOPLE = """
UPDATE users SET is_staff = id %% 1000 = 0, is_active = id %% 100 <> 51,
                 show_on_leaderboard = id %% 3 = 0, auth_method = 'google'
WHERE id %% 1000 = 0 OR id %% 100 = 51 OR id %% 3 = 0
"""

# These keys open nothing: nobody knows what the digest is of.
_KEYS = """
INSERT INTO api_keys (user_id, name, prefix, digest, created_at, revoked_at)
SELECT id, '', 'gw_live_' || substr(digest, 1, 8), digest, created_at,
       CASE WHEN id %% 10 = 4 THEN created_at + interval '1 day' END
FROM users, LATERAL (SELECT encode(sha256(username::bytea), 'hex')) hashed (digest)
WHERE id > 1
"""

_UNPAID = """
INSERT INTO payments (id, user_id, amount, currency, status, success_url, cancel_url, session_id,
                      checkout_url, created_at, expires_at, bonus_decision, checks, taken_back,
                      card_fingerprint)
SELECT id * (%(purchases)s + 1), id, 1000, 'usd', status, '', '',
       CASE WHEN status <> 'created' THEN 'cs_load_unpaid_' || id END,
       '', created_at, created_at + interval '1 day', '', '[]', 0, ''
FROM users, LATERAL (
    SELECT CASE WHEN id %% 200 = 9 THEN 'created' WHEN id %% 200 = 29 THEN 'pending'
                WHEN id %% 200 = 49 THEN 'failed' ELSE 'expired' END) decided (status)
WHERE id %% 20 = 9
"""

# The last purchase of some was too small for a bonus.
_SMALL = """
UPDATE payments SET amount = 500, bonus_decision = 'below_minimum'
WHERE bonus_decision = 'not_first' AND user_id %% 100 = 31 AND amount = 1000 + 500 * %(purchases)s
"""

# Some came by a code, and their first purchase brought nothing.
_REFUSED = """
UPDATE payments SET bonus_decision =
    (ARRAY['cap_reached', 'referrer_gone', 'self_referral', 'budget_spent'])[1 + user_id %% 4]
WHERE bonus_decision = 'not_referred' AND user_id > %(referrers)s
  AND user_id %% 250 BETWEEN 5 AND 8
"""
_CAME_BY_A_CODE = """
UPDATE users SET referred_by_code = 'B' || lpad((1 + users.id %% %(referrers)s)::text, 7, '0')
FROM payments
WHERE user_id = users.id AND users.id > %(referrers)s AND bonus_decision IN
    ('cap_reached', 'referrer_gone', 'self_referral', 'budget_spent')
"""

_REVIEWED = """
UPDATE referrals SET referrer_entry_id = NULL, referee_entry_id = NULL, awards = 0,
    status = due, purchase_qualifies = due <> 'reversed', is_budgeted = due <> 'voided',
    review = CASE due WHEN 'reversed' THEN 'none' ELSE due END,
    hold_reason = 'the same mailbox',
    review_note = CASE due WHEN 'voided' THEN 'one person' ELSE '' END
FROM (SELECT id AS referral, CASE id %% 100 WHEN 7 THEN 'held' WHEN 17 THEN 'voided'
                             ELSE 'reversed' END AS due FROM referrals) decided
WHERE referral = id AND id %% 100 IN (7, 17, 27)
"""

_HELD = """
UPDATE payments SET bonus_decision = 'held'
FROM referrals WHERE referrals.id = referral_id AND referrals.status = 'held'
"""

# The whole purchase is taken back: the first one of a reversed referral, else the last one.
_CLAWBACKS = """
INSERT INTO clawbacks (kind, stripe_id, payment_intent_id, payment_id, amount, status, taken,
                       ledger_entry_id, postings, created_at)
SELECT kind, 're_load_' || payments.id, payment_intent_id, payments.id, payments.amount,
       decided.status, CASE WHEN takes THEN payments.amount ELSE 0 END,
       CASE WHEN takes THEN user_id * (%(purchases)s + 4) - 1 END, takes::int,
       paid_at + interval '12 hours'
FROM payments LEFT JOIN referrals ON referrals.id = referral_id,
     LATERAL (SELECT CASE WHEN user_id %% 1000 IN (13, 113, 213, 313) THEN 'dispute'
                          ELSE 'refund' END) sort (kind),
     LATERAL (SELECT CASE user_id %% 1000
              WHEN 13 THEN 'open' WHEN 113 THEN 'dismissed' WHEN 213 THEN 'won' WHEN 313 THEN 'lost'
              WHEN 413 THEN 'pending' WHEN 513 THEN 'failed' ELSE 'succeeded' END) decided (status),
     LATERAL (SELECT decided.status IN ('open', 'lost', 'succeeded')) effect (takes)
WHERE referrals.status = 'reversed'
   OR bonus_decision = 'not_first' AND user_id %% 100 IN (3, 13)
      AND payments.amount = 1000 + 500 * %(purchases)s
UNION ALL
SELECT 'refund', 're_load_early_' || id, 'pi_elsewhere_' || id, NULL, 1000, 'succeeded', 0, NULL, 0,
       created_at
FROM users WHERE id %% 1000 = 613
"""
_TAKEN_BACK = """
UPDATE payments SET taken_back = taken FROM clawbacks WHERE payment_id = payments.id AND taken > 0
"""

# Some had spent what they bought when the refund came: their balance is below zero.
_ADJUSTMENTS = """
INSERT INTO adjustments (user_id, amount, category, reason, status, requested_by_id, requested_at,
                         approval_limit, decided_by_id, decided_at, decision_note, ledger_entry_id,
                         token)
SELECT id, CASE status WHEN 'posted' THEN -bought ELSE 250 END, 'correction', 'Load', status,
       CASE WHEN status <> 'posted' THEN first_staff END, at, 100,
       CASE WHEN status = 'rejected' THEN second_staff END,
       CASE WHEN status = 'rejected' THEN at END, CASE status WHEN 'rejected' THEN 'No' ELSE '' END,
       CASE WHEN status = 'posted' THEN id * (%(purchases)s + 4) END, gen_random_uuid()
FROM users,
     LATERAL (SELECT CASE id %% 1000 WHEN 609 THEN 'waiting' WHEN 709 THEN 'withdrawn'
                     WHEN 809 THEN 'rejected' ELSE 'posted' END,
                     created_at + interval '10 hours') decided (status, at),
     (SELECT min(id), max(id) FROM users WHERE is_staff) staff (first_staff, second_staff),
     LATERAL (SELECT SUM(amount) / 100.0 FROM payments
              WHERE user_id = users.id AND payments.status = 'paid') paid (bought)
WHERE id %% 500 = 3 OR id %% 1000 IN (609, 709, 809)
"""

_EVENTS = """
INSERT INTO stripe_events (event_id, event_type, body, received_at, retry_at, attempts, outcome,
                           reason, last_error, processed_at, payment_id)
SELECT 'evt_load_' || id, type, convert_to('{"data": {"object": {"id": "' || session_id || '"}}}',
       'UTF8'), paid_at, paid_at + interval '5 minutes', 1, outcome, '', '',
       CASE WHEN outcome NOT IN ('received', 'failed') THEN paid_at END,
       CASE WHEN outcome NOT IN ('received', 'failed', 'ignored', 'quarantined') THEN id END
FROM payments,
     LATERAL (SELECT CASE user_id %% 1000
        WHEN 1 THEN 'ignored' WHEN 11 THEN 'repeated' WHEN 21 THEN 'applied' WHEN 31 THEN 'applied'
        WHEN 41 THEN 'waiting' WHEN 61 THEN 'closed' WHEN 71 THEN 'closed'
        WHEN 81 THEN 'deferred' WHEN 91 THEN 'quarantined' ELSE 'settled' END) done (outcome),
     LATERAL (SELECT CASE outcome WHEN 'ignored' THEN 'invoice.paid'
        WHEN 'applied' THEN (ARRAY['refund.created', 'charge.dispute.created'])[1 + user_id %% 2]
        WHEN 'deferred' THEN 'refund.updated'
        WHEN 'closed' THEN 'checkout.session.expired'
        ELSE 'checkout.session.completed' END) kind (type)
WHERE status = 'paid' AND amount = 1500
UNION ALL
SELECT 'evt_load_new_' || n, 'checkout.session.completed', '{}', now(), now(), 1,
       (ARRAY['received', 'failed'])[1 + n %% 2], '', 'Error', NULL, NULL
FROM generate_series(1, 60) n
"""

_VIEWS = """
INSERT INTO invite_views (day, user_id, views)
SELECT (created_at + interval '1 hour' * n)::date, id, n
FROM users, generate_series(1, 49, 24) n WHERE id <= %(referrers)s
"""

_AUDIT = """
INSERT INTO audit_entries (at, by_id, shell_user, action, target_type, target_id, target_label,
                           reason, before, after)
SELECT at, CASE WHEN id %% 3 > 0 THEN staff END, CASE WHEN id %% 3 > 0 THEN '' ELSE 'root' END,
       (ARRAY['deactivate', 'revoke key', 'release bonus'])[1 + id %% 3],
       'accounts.user', id, 'person' || id, 'Load', '{}', '{}'
FROM (SELECT id, created_at + interval '20 hours' AS at FROM users
      WHERE id %% 50 = 1 ORDER BY id) done,
     (SELECT min(id) FROM users WHERE is_staff) first (staff)
WHERE staff IS NOT NULL
"""

STATEMENTS = (
    *(
        _ANALYZE,
        _PEOPLE,
        _KEYS,
        _UNPAID,
        _SMALL,
        _REFUSED,
        _CAME_BY_A_CODE,
        _REVIEWED,
        _HELD,
        _CLAWBACKS,
    ),
    *(_TAKEN_BACK, _ADJUSTMENTS, _EVENTS, _VIEWS, _AUDIT),
)


def close_some() -> None:
    """Reverse an adjustment and resolve an event as an operator does: each needs several rows."""
    now, reason = timezone.now(), "Load"
    posted = Adjustment.objects.filter(status=Adjustment.Status.POSTED)
    adjustments.reverse(posted[0].pk, reason=reason, by=None, token=uuid4(), now=now)
    event = StripeEvent.objects.filter(outcome=StripeEvent.Outcome.QUARANTINED)[0]
    inbox.resolve(event.event_id, by=None, reason=reason, now=now)
