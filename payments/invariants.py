"""What must be true of money at every commit, as one query that finds whatever breaks it."""

from dataclasses import dataclass

from django.db import connection

# Each invariant's name, and the rows that break it: what the row is, and what is wrong with it.
INVARIANTS = {
    "balance is the sum of the entries": """
        SELECT 'user ' || u.id, 'credits ' || u.credits || ', entries ' || COALESCE(e.total, 0)
        FROM users u
        LEFT JOIN (SELECT user_id, SUM(amount) AS total FROM ledger_entries GROUP BY user_id) e
            ON e.user_id = u.id
        WHERE u.credits <> COALESCE(e.total, 0)""",
    "entries are chained without gaps": """
        SELECT 'entry ' || id, 'balance_after ' || balance_after || ', should be ' || expected
        FROM (SELECT id, balance_after, SUM(amount) OVER (PARTITION BY user_id ORDER BY id)
                     AS expected FROM ledger_entries) e
        WHERE balance_after <> expected""",
    "a reversal is the opposite of its original": """
        SELECT 'entry ' || r.id, 'reverses entry ' || o.id
        FROM ledger_entries r JOIN ledger_entries o ON o.id = r.reverses_id
        WHERE r.amount <> -o.amount OR r.user_id <> o.user_id""",
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
    "a completed referral has its two legs": """
        SELECT 'referral ' || r.id, 'legs do not fit'
        FROM referrals r
        LEFT JOIN ledger_entries a ON a.id = r.referrer_entry_id
        LEFT JOIN ledger_entries b ON b.id = r.referee_entry_id
        WHERE r.status = 'completed'
          AND (a.user_id IS DISTINCT FROM r.referrer_id OR a.kind <> 'referrer_bonus'
               OR a.amount <> r.bonus_amount
               OR b.user_id IS DISTINCT FROM r.referred_user_id OR b.kind <> 'referee_bonus'
               OR b.amount <> r.referee_bonus_amount)""",
    "a bonus entry belongs to a referral": """
        SELECT 'entry ' || e.id, 'no referral'
        FROM ledger_entries e
        LEFT JOIN referrals r ON e.id IN (r.referrer_entry_id, r.referee_entry_id)
        WHERE e.kind IN ('referrer_bonus', 'referee_bonus') AND r.id IS NULL""",
    "slots are dense and within the cap": """
        SELECT 'referrer ' || referrer_id, COUNT(*) || ' uses up to slot ' || MAX(slot)
        FROM referrals GROUP BY referrer_id
        HAVING COUNT(*) <> MAX(slot) OR MIN(slot) <> 1 OR bool_or(slot > max_uses)""",
    "a referral is of the code that the referee registered with": """
        SELECT 'referral ' || r.id, 'code ' || r.referral_code
        FROM referrals r JOIN users u ON u.id = r.referred_user_id
        WHERE u.referred_by_code IS DISTINCT FROM r.referral_code
           OR NOT u.has_made_first_purchase""",
    "a referral came from a paid qualifying purchase": """
        SELECT 'referral ' || r.id, 'payment ' || COALESCE(p.id::text, 'none')
        FROM referrals r JOIN programs t ON t.id = r.program_id
        LEFT JOIN payments p ON p.referral_id = r.id
        WHERE p.id IS NULL OR p.status <> 'paid' OR p.user_id <> r.referred_user_id
           OR p.amount < t.minimum_purchase * 100""",
}


@dataclass(frozen=True)
class Breach:
    """A row that breaks an invariant."""

    invariant: str
    subject: str
    detail: str


def breaches() -> list[Breach]:
    """Return whatever breaks an invariant; one statement, so all of it in one snapshot."""
    parts = [
        f"SELECT %s AS invariant, subject, detail FROM ({sql}) AS found (subject, detail)"
        for sql in INVARIANTS.values()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), list(INVARIANTS))
        return [Breach(*row) for row in cursor.fetchall()]
