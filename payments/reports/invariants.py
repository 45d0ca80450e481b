"""What must be true of money at every commit, as queries that return every violation."""

from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from accounts import report_database
from payments.reports.daily import ENTRY_SUMS

_NOT_REVERSED = "NOT EXISTS (SELECT 1 FROM ledger_entries r WHERE r.reverses_id = {}.id)"

# Each invariant's name, and a query for the rows that break it: the row, and what is wrong.
INVARIANTS = {
    "a balance is the sum of its entries": """
        SELECT 'user ' || u.id, 'credits ' || u.credits || ', entries ' || COALESCE(e.total, 0)
        FROM users u
        LEFT JOIN (SELECT user_id, SUM(amount) AS total FROM ledger_entries GROUP BY user_id) e
            ON e.user_id = u.id
        WHERE u.credits <> COALESCE(e.total, 0)""",
    "entries are chained without gaps": """
        SELECT 'entry ' || id, 'number ' || number || ', balance_after ' || balance_after
               || '; should be ' || place || ', ' || total
        FROM (SELECT id, number, balance_after,
                     ROW_NUMBER() OVER entries AS place, SUM(amount) OVER entries AS total
              FROM ledger_entries WINDOW entries AS (PARTITION BY user_id ORDER BY number)) e
        WHERE balance_after <> total OR number <> place""",
    "a reversal is the exact opposite of an entry that is not a reversal": """
        SELECT 'entry ' || r.id, 'reverses entry ' || o.id
        FROM ledger_entries r JOIN ledger_entries o ON o.id = r.reverses_id
        WHERE r.amount <> -o.amount OR r.user_id <> o.user_id OR r.id <= o.id
           OR o.kind = 'reversal'""",
    "no record points at a reversed entry": """
        SELECT 'entry ' || r.reverses_id, 'reversed by entry ' || r.id
        FROM ledger_entries r
        WHERE r.reverses_id IS NOT NULL
          AND (EXISTS (SELECT 1 FROM payments WHERE ledger_entry_id = r.reverses_id)
               OR EXISTS (SELECT 1 FROM clawbacks WHERE ledger_entry_id = r.reverses_id)
               OR EXISTS (SELECT 1 FROM referrals WHERE referrer_entry_id = r.reverses_id)
               OR EXISTS (SELECT 1 FROM referrals WHERE referee_entry_id = r.reverses_id))""",
    "a paid payment has its one purchase entry": """
        SELECT 'payment ' || p.id, 'amount ' || p.amount || ', entry ' || COALESCE(e.amount, 0)
        FROM payments p LEFT JOIN ledger_entries e ON e.id = p.ledger_entry_id
        WHERE p.status = 'paid'
          AND (e.id IS NULL OR e.kind <> 'purchase' OR e.user_id <> p.user_id
               OR e.amount * 100 <> p.amount)""",
    "a purchase entry belongs to a paid payment": """
        SELECT 'entry ' || e.id, 'no payment'
        FROM ledger_entries e LEFT JOIN payments p ON p.ledger_entry_id = e.id
        WHERE e.kind = 'purchase' AND p.id IS NULL""",
    "a completed referral has its two bonus entries": """
        SELECT 'referral ' || r.id, 'the bonus entries do not match'
        FROM referrals r
        LEFT JOIN ledger_entries a ON a.id = r.referrer_entry_id
        LEFT JOIN ledger_entries b ON b.id = r.referee_entry_id
        WHERE r.status = 'completed'
          AND (a.user_id IS DISTINCT FROM r.referrer_id OR a.kind <> 'referrer_bonus'
               OR a.amount <> r.bonus_amount
               OR b.user_id IS DISTINCT FROM r.referred_user_id OR b.kind <> 'referee_bonus'
               OR b.amount <> r.referee_bonus_amount)""",
    "a bonus that is not reversed belongs to a completed referral": f"""
        SELECT 'entry ' || e.id, 'no completed referral'
        FROM ledger_entries e
        WHERE e.kind IN ('referrer_bonus', 'referee_bonus') AND {_NOT_REVERSED.format("e")}
          AND NOT EXISTS (SELECT 1 FROM referrals WHERE referrer_entry_id = e.id)
          AND NOT EXISTS (SELECT 1 FROM referrals WHERE referee_entry_id = e.id)""",
    "use numbers have no gap and stay within the cap": """
        SELECT 'referrer ' || referrer_id, COUNT(*) || ' uses up to number ' || MAX(use_number)
        FROM referrals GROUP BY referrer_id
        HAVING COUNT(*) <> MAX(use_number) OR MIN(use_number) <> 1
            OR bool_or(use_number > max_uses)""",
    "a code was claimed within seven days, and before the purchase that it was paid for": """
        SELECT 'user ' || u.id, 'claimed at ' || u.claimed_at || ', signed up at ' || u.created_at
        FROM users u
        LEFT JOIN payments p ON p.user_id = u.id AND p.referral_id IS NOT NULL
        WHERE u.claimed_at NOT BETWEEN u.created_at AND u.created_at + interval '7 days'
           OR u.claimed_at IS NOT NULL AND u.referred_by_code IS NULL
           OR p.paid_at < date_trunc('second', u.claimed_at)""",
    "a referral has the code that the referee registered with": """
        SELECT 'referral ' || r.id, 'code ' || r.referral_code
        FROM referrals r JOIN users u ON u.id = r.referred_user_id
        WHERE u.referred_by_code IS DISTINCT FROM r.referral_code
           OR NOT u.has_made_first_purchase""",
    "a referral came from a paid qualifying purchase": """
        SELECT 'referral ' || r.id, 'payment ' || COALESCE(p.id::text, 'none')
        FROM referrals r JOIN programs t ON t.id = r.program_id
        LEFT JOIN payments p ON p.referral_id = r.id
        WHERE p.id IS NULL OR p.status <> 'paid' OR p.user_id <> r.referred_user_id
           OR p.amount < t.minimum_purchase * 100
           OR p.bonus_decision NOT IN ('awarded', 'held')""",
    "a referral's status follows from its review and its purchase": """
        SELECT 'referral ' || r.id, r.status || ', should be ' || due
        FROM (SELECT referrals.*, CASE WHEN review = 'voided' THEN 'voided'
                                       WHEN NOT purchase_qualifies THEN 'reversed'
                                       WHEN review = 'held' THEN 'held'
                                       ELSE 'completed' END AS due FROM referrals) r
        WHERE r.status <> r.due""",
    "bonuses are paid only while the purchase qualifies": """
        SELECT 'referral ' || r.id, 'purchase_qualifies is ' || r.purchase_qualifies
        FROM referrals r JOIN programs t ON t.id = r.program_id
        JOIN payments p ON p.referral_id = r.id
        WHERE r.purchase_qualifies <> (
            p.amount - p.taken_back >= t.minimum_purchase * 100
            AND NOT EXISTS (SELECT 1 FROM clawbacks c WHERE c.payment_id = p.id
                            AND c.kind = 'dispute' AND c.status IN ('open', 'lost')))""",
    "the reserved part of a budget is the cost of its uses": """
        SELECT 'program ' || t.id, 'reserved ' || t.reserved || ', uses ' || COALESCE(r.cost, 0)
        FROM programs t LEFT JOIN (
            SELECT program_id, SUM(bonus_amount + referee_bonus_amount) AS cost
            FROM referrals WHERE is_budgeted GROUP BY program_id) r ON r.program_id = t.id
        WHERE t.budget IS NOT NULL AND t.reserved <> COALESCE(r.cost, 0)
        UNION ALL
        SELECT 'referral ' || id, status || ', is_budgeted is ' || is_budgeted
        FROM referrals WHERE is_budgeted AND review = 'voided'
                          OR NOT is_budgeted AND status = 'completed'""",
    "a buyer has one first qualifying purchase, and the flag is set": """
        SELECT 'user ' || u.id, 'flag ' || u.has_made_first_purchase || ', firsts ' || f.firsts
        FROM users u JOIN (
            SELECT user_id, COUNT(*) FILTER (
                       WHERE bonus_decision NOT IN ('below_minimum', 'not_first')) AS firsts
            FROM payments WHERE status = 'paid' GROUP BY user_id) f ON f.user_id = u.id
        WHERE f.firsts <> u.has_made_first_purchase::int""",
    "no more is taken back than was credited": """
        SELECT 'payment ' || p.id, 'taken_back ' || p.taken_back || ' of ' || p.amount
               || ', should be ' || LEAST(p.amount, COALESCE(c.due, 0))
        FROM payments p LEFT JOIN (
            SELECT payment_id, SUM(taken) AS taken, SUM(amount) FILTER (
                       WHERE status IN ('succeeded', 'open', 'lost')) AS due
            FROM clawbacks GROUP BY payment_id) c ON c.payment_id = p.id
        WHERE p.taken_back <> COALESCE(c.taken, 0)
           OR p.taken_back <> LEAST(p.amount, COALESCE(c.due, 0))""",
    "the amount that a refund or dispute takes back is an entry of its own": """
        SELECT 'clawback ' || c.id, 'taken ' || c.taken || ', entry ' || e.amount
        FROM clawbacks c JOIN ledger_entries e ON e.id = c.ledger_entry_id
        JOIN payments p ON p.id = c.payment_id
        WHERE e.amount * 100 <> -c.taken OR e.user_id <> p.user_id OR e.kind <> c.kind
           OR c.status NOT IN ('succeeded', 'open', 'lost') OR c.taken > c.amount""",
    "an entry that takes credits back belongs to a refund or dispute": f"""
        SELECT 'entry ' || e.id, 'no clawback'
        FROM ledger_entries e LEFT JOIN clawbacks c ON c.ledger_entry_id = e.id
        WHERE e.kind IN ('refund', 'dispute') AND c.id IS NULL AND {_NOT_REVERSED.format("e")}""",
    "a refund or dispute of a settled purchase is applied": """
        SELECT 'clawback ' || c.id, 'waits, but payment ' || p.id || ' is settled'
        FROM clawbacks c JOIN payments p ON p.payment_intent_id = c.payment_intent_id
        WHERE c.payment_id IS NULL""",
    "a posted adjustment has its one entry": """
        SELECT 'adjustment ' || a.id, 'amount ' || a.amount || ', entry ' || COALESCE(e.amount, 0)
        FROM adjustments a LEFT JOIN ledger_entries e ON e.id = a.ledger_entry_id
        LEFT JOIN adjustments o ON o.id = a.reverses_id
        WHERE a.status IN ('posted', 'reversed')
          AND (e.id IS NULL OR e.user_id <> a.user_id OR e.amount <> a.amount
               OR e.kind <> CASE WHEN o.id IS NULL THEN 'adjustment' ELSE 'reversal' END
               OR e.reverses_id IS DISTINCT FROM o.ledger_entry_id)""",
    "an adjustment entry belongs to a posted adjustment": """
        SELECT 'entry ' || e.id, 'no adjustment'
        FROM ledger_entries e LEFT JOIN ledger_entries o ON o.id = e.reverses_id
        LEFT JOIN adjustments a ON a.ledger_entry_id = e.id
        WHERE 'adjustment' IN (e.kind, o.kind) AND a.id IS NULL""",
    "an adjustment is reversed when its reversal is posted": """
        SELECT 'adjustment ' || a.id, a.status || ', reversal ' || COALESCE(r.id::text, 'none')
        FROM adjustments a
        LEFT JOIN adjustments r ON r.reverses_id = a.id AND r.status = 'posted'
        WHERE (a.status = 'reversed') <> (r.id IS NOT NULL)""",
    "an adjustment above the limit has two people": """
        SELECT 'adjustment ' || id, 'amount ' || amount || ', limit ' || approval_limit
        FROM adjustments
        WHERE status IN ('posted', 'reversed') AND ABS(amount) > approval_limit
          AND (decided_by_id IS NULL OR requested_by_id IS NULL
               OR decided_by_id IN (requested_by_id, user_id))""",
    "the stored totals of each day are those of its entries": f"""
        SELECT 'day ' || day, 'net ' || COALESCE(kept.net::text, 'none') || ', entries '
               || COALESCE(posted.net, 0)
        FROM daily_totals kept FULL JOIN (
            SELECT (entry.created_at AT TIME ZONE 'UTC')::date AS day, {ENTRY_SUMS}
            WHERE entry.created_at < (
                SELECT (MAX(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM daily_totals)
            GROUP BY 1) posted USING (day)
        WHERE (kept.net, kept.purchases, kept.bonuses, kept.bonuses_taken, kept.refunds,
               kept.disputes, kept.reinstated)
            IS DISTINCT FROM (COALESCE(posted.net, 0), COALESCE(posted.purchases, 0),
               COALESCE(posted.bonuses, 0), COALESCE(posted.bonuses_taken, 0),
               COALESCE(posted.refunds, 0), COALESCE(posted.disputes, 0),
               COALESCE(posted.reinstated, 0))
           OR kept.adjustments <> COALESCE(posted.adjustments, 0)
           OR kept.adjustments_reversed <> COALESCE(posted.adjustments_reversed, 0)""",
    "no event is stuck for a day": """
        SELECT 'event ' || event_id, attempts || ' attempts, ' || last_error
        FROM stripe_events
        WHERE processed_at IS NULL AND received_at < now() - interval '1 day'""",
}


@dataclass(frozen=True)
class Breach:
    """A row that breaks an invariant."""

    invariant: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.detail} ({self.invariant})"


# Each part has a connection of its own. Two parts keep the database busy enough to halve the time,
# and leave room for purchases.
CONNECTIONS = 2


def breaches() -> list[Breach]:
    """Return every violation; all invariants see the same snapshot.

    Inside a transaction they see what it has not committed, which no other connection could show.
    """
    database = report_database.connection()
    using = database.alias
    if database.in_atomic_block:
        with transaction.atomic(using), database.cursor() as cursor:
            return _find(cursor, *INVARIANTS)
    with (
        transaction.atomic(using),
        database.cursor() as cursor,
        report_database.threads(CONNECTIONS) as pool,
    ):
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # This transaction is idle while the parts run, and the snapshot ends with it.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        parts = pool.map(partial(_find_in_snapshot, snapshot), INVARIANTS)
        # An error in one part is raised here, and the parts that have not begun are cancelled.
        return [breach for part in parts for breach in part]


def _find_in_snapshot(snapshot: str, invariant: str) -> list[Breach]:
    """Run in a thread, whose connection is its own."""
    database = report_database.connection()
    try:
        with transaction.atomic(database.alias), database.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            return _find(cursor, invariant)
    finally:
        database.close()


def _find(cursor: CursorWrapper, *invariants: str) -> list[Breach]:
    """Return the violations of these invariants, by one statement."""
    parts = [
        f"SELECT %s AS invariant, subject, detail FROM ({INVARIANTS[each]}) found (subject, detail)"
        for each in invariants
    ]
    # This reads every row, which may take longer than the limit for a request.
    cursor.execute("SET LOCAL statement_timeout = 0")
    # Joins of whole tables are quicker when they need no files.
    cursor.execute("SET LOCAL work_mem = '64MB'")
    cursor.execute(" UNION ALL ".join(parts), list(invariants))
    return [Breach(*row) for row in cursor.fetchall()]
