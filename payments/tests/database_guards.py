"""The table of what guards money in the database, and of what goes wrong without each of it.

Names of tables, columns, constraints and triggers are written here alone. The statements work on
the rows of the fixture `books` in `test_database_guards`; `{table}` is the guard's own.
"""

from dataclasses import dataclass
from functools import partial

# The invariants of `payments.reports.invariants` that are broken once a guard is gone.
BALANCE = "a balance is the sum of its entries"
CHAIN = "entries are chained without gaps"
REVERSAL = "a reversal is the exact opposite of an entry that is not a reversal"
PURCHASE = "a paid payment has its one purchase entry"
PURCHASE_ENTRY = "a purchase entry belongs to a paid payment"
BONUS_ENTRIES = "a completed referral has its two bonus entries"
USES = "use numbers have no gap and stay within the cap"
CODE = "a referral has the code that the referee registered with"
QUALIFYING = "a referral came from a paid qualifying purchase"
BUDGET = "the reserved part of a budget is the cost of its uses"
TAKEN_BACK = "no more is taken back than was credited"
CLAWBACK = "the amount that a refund or dispute takes back is an entry of its own"
ADJUSTED = "a posted adjustment has its one entry"
ADJUSTMENT_ENTRY = "an adjustment entry belongs to a posted adjustment"
TWO_PEOPLE = "an adjustment above the limit has two people"
# Of an event: it would hide from everybody what nobody looked at.
RESOLVED_BY_NOBODY = """outcome = 'resolved' AND NOT EXISTS (
    SELECT FROM audit_entries WHERE target_id = stripe_events.id AND action = 'resolve event')"""
REVERSED = "an adjustment is reversed when its reversal is posted"


@dataclass(frozen=True)
class Control:
    """A guard, a write that it refuses, and what is wrong with money when that is written.

    `wrong` is an invariant that is broken then, or a condition that rows of its table meet only
    then. The refusal names the guard, unless it `names` another. `off` would refuse the write too.
    """

    guard: str
    write: str
    wrong: str
    off: str = ""
    names: str = ""


def row(guard: str, change: str, where: str = "TRUE", wrong: str = "", off: str = "") -> Control:
    """Change the first such row; by itself it is wrong that it says so."""
    write = (
        f"UPDATE {{table}} SET {change} WHERE id = (SELECT min(id) FROM {{table}} WHERE {where})"
    )
    changed = change.replace("= NULL", "IS NULL").replace(", ", " AND ")
    return Control(guard, write, wrong or f"{where} AND {changed}", off)


def repeat(guard: str, column: str, where: str = "TRUE", off: str = "") -> Control:
    """Give such rows the value of one of them."""
    value = f"SELECT {column} FROM {{table}} WHERE {where} AND {column} IS NOT NULL LIMIT 1"
    write = f"UPDATE {{table}} SET {column} = ({value}) WHERE {where}"
    return Control(guard, write, repeated(column), off)


def repeated(columns: str) -> str:
    """Return the condition that two rows have one value."""
    return f"{columns} IS NOT NULL GROUP BY {columns} HAVING COUNT(*) > 1"


def none_of(where: str) -> str:
    """Return the condition that no row meets the condition."""
    return f"{where} HAVING COUNT(*) = 0"


def delete(where: str) -> str:
    return f"DELETE FROM {{table}} WHERE {where}"


def copy(where: str, **changes: str) -> str:
    """Return the statement that inserts the first such row once more, with changes."""
    fields = {"id": "(SELECT max(id) + 1 FROM {table})", "token": "gen_random_uuid()"} | changes
    pairs = ", ".join(f"'{name}', {value}" for name, value in fields.items())
    return f"""INSERT INTO {{table}}
        SELECT (jsonb_populate_record(original, jsonb_build_object({pairs}))).*
        FROM {{table}} original WHERE {where} ORDER BY original.id LIMIT 1"""


def entry(kind: str, amount: str, **columns: str) -> str:
    """Return the statement that writes an entry of Alice's, and her balance, past the ledger."""
    column = {"credits": "credits", "number": NEXT, "key": "'forged'", "reverses": "NULL"} | columns
    return f"""WITH entry AS (
        INSERT INTO ledger_entries (user_id, kind, amount, balance_after, number, idempotency_key,
                                    description, reference, reverses_id, created_at)
        SELECT id, '{kind}', {amount}, {column["credits"]} + {amount}, {column["number"]},
               {column["key"]}, '', '', {column["reverses"]}, now()
        FROM users WHERE username = 'alice' RETURNING *
    ) UPDATE users SET credits = balance_after FROM entry WHERE users.id = entry.user_id"""


def post(
    guard: str, kind: str, amount: str, wrong: str, off: str = "", names: str = "", **columns: str
) -> Control:
    return Control(guard, entry(kind, amount, **columns), wrong, off, names)


def adjust(guard: str, amount: str, *, limit: str) -> Control:
    """Adjust Alice's balance alone, under this limit, or without any."""
    no_limit = "DELETE FROM approval_limits"
    write = f"""{f"UPDATE approval_limits SET amount = {limit}" if limit else no_limit};
        {entry("adjustment", amount)};
        INSERT INTO adjustments (user_id, amount, category, reason, status, requested_at,
                                 approval_limit, decision_note, ledger_entry_id, token)
        SELECT user_id, amount, 'other', 'Forged', 'posted', now(), 100000, '', id,
               gen_random_uuid() FROM ledger_entries WHERE idempotency_key = 'forged'"""
    return Control(guard, write, "reason = 'Forged'")


NEXT = "(SELECT COUNT(*) + 1 FROM ledger_entries WHERE user_id = users.id)"
OLD_KEY = "(SELECT max(idempotency_key) FROM ledger_entries)"
BONUS = "(SELECT min(id) FROM ledger_entries WHERE kind = 'referrer_bonus')"
REFUND_UNDONE = "(SELECT min(id) FROM ledger_entries WHERE kind = 'reversal')"
GIFT_UNDONE = "(SELECT max(id) FROM ledger_entries WHERE kind = 'reversal')"
GIFT = "(SELECT max(reverses_id) FROM ledger_entries)"
UNDONE = "(SELECT max(reverses_id) FROM adjustments)"
RITA = "(SELECT id FROM users WHERE username = 'rita')"
REFEREE, NOT_REFERRED = "has_made_first_purchase", "username IN ('alice', 'charlie')"
FINAL = "status = 'posted' AND reverses_id IS NULL"
POSTED, WAITING, APPROVED = "status = 'posted'", "status = 'waiting'", "decided_by_id IS NOT NULL"
TWICE, REVERSES = repeated("reverses_id"), "kind = 'reversal' AND"
UNUSED, SECOND_USE = "budget = 20", "use_number = 2"
OPEN, PAID = "status = 'pending'", "status = 'paid'"
TAKES, TAKES_NOTHING = "taken > 0", "taken = 0"
REVIEWED = "review = 'released', reviewed_by_id"
TRUNCATE, CASCADES = "TRUNCATE {table} CASCADE", "adjustments_not_truncated"
# Guards that would refuse what others are there to refuse.
FOLLOWED, ATTRIBUTED = "users_credits_follow_ledger", "users_attributed_once"
ENTRIES_STAY, TERMS_STAY = "ledger_entries_append_only", "programs_stand"
TERMS_DECIDED = "programs_decided_once"
APPROVE = (
    "status = 'approved', decided_at = now(), decision_note = 'Right',"
    " decided_by_id = (SELECT id FROM users WHERE username ="
)
ADJUSTED_STAY, AUDIT_STAYS = "adjustments_stand", "audit_entries_append_only"
SEALS_STAY = "ledger_seals_append_only"
MATCHED = "ledger_matches_the_adjustments"
UNNUMBERED = f"ledger_entries_chain ledger_followed_by_credits {FOLLOWED}"
adjusted = partial(row, off=ADJUSTED_STAY)

CONTROLS = [
    row(FOLLOWED, "credits = credits + 10", wrong=BALANCE),
    row(ATTRIBUTED, "referred_by_code = NULL", REFEREE, CODE),
    row("users_not_referred_by_self", "referred_by_code = referral_code", off=ATTRIBUTED),
    repeat("users_referral_code_key", "referral_code", NOT_REFERRED),
    # The ledger.
    row(ENTRIES_STAY, "amount = amount + 1", wrong=BALANCE),
    Control(ENTRIES_STAY, delete(f"id = {REFUND_UNDONE}"), BALANCE),
    Control("ledger_entries_not_truncated", TRUNCATE, BALANCE, CASCADES, ENTRIES_STAY),
    post("ledger_entries_chain", "refund", "-5", CHAIN, credits="500"),
    post("ledger_entries_in_a_row", "refund", "-5", CHAIN, UNNUMBERED, number="1"),
    Control(
        "ledger_followed_by_credits",
        f"{entry('refund', '-5')}; UPDATE users SET credits = 1 WHERE username = 'alice'",
        BALANCE,
        FOLLOWED,
        FOLLOWED,
    ),
    post("ledger_entries_idempotency_key_key", "purchase", "10", PURCHASE_ENTRY, key=OLD_KEY),
    post("ledger_entry_names_its_cause", "refund", "-5", "idempotency_key = ''", key="''"),
    post("ledger_amount_not_zero", "adjustment", "0", "amount = 0", MATCHED),
    post("ledger_credits_are_positive", "purchase", "-5", "kind = 'purchase' AND amount < 0"),
    post("ledger_clawbacks_are_negative", "refund", "5", "kind = 'refund' AND amount > 0"),
    post("ledger_reversal_names_its_original", "reversal", "-5", f"{REVERSES} reverses_id IS NULL"),
    post("ledger_entries_reverses_id_key", "reversal", "-5", TWICE, MATCHED, reverses=GIFT),
    post("ledger_reversals_undo", "reversal", "-9", REVERSAL, reverses=BONUS),
    post("ledger_reversals_undo", "reversal", "5", REVERSAL, reverses=GIFT_UNDONE),
    post(MATCHED, "adjustment", "5", ADJUSTMENT_ENTRY, names="adjustments_match_the_ledger"),
    # Seals.
    row(SEALS_STAY, "root = head"),
    Control("ledger_seals_not_truncated", TRUNCATE, none_of("TRUE"), "", SEALS_STAY),
    repeat("ledger_seals_last_entry_id_key", "last_entry_id", off=SEALS_STAY),
    repeat("ledger_seals_previous_head_key", "previous_head", off=SEALS_STAY),
    repeat("ledger_seals_head_key", "head", off=SEALS_STAY),
    # Adjustments.
    row(ADJUSTED_STAY, "reason = 'Another'", POSTED),
    row(ADJUSTED_STAY, "amount = 1", WAITING),
    row("adjustments_close_in_order", "status = 'reversed'", FINAL, REVERSED),
    Control("adjustments_stay", delete(APPROVED), ADJUSTMENT_ENTRY, "", ADJUSTED_STAY),
    Control("adjustments_not_truncated", TRUNCATE, ADJUSTMENT_ENTRY, "", ADJUSTED_STAY),
    adjusted("adjustments_of_something", "amount = 0", WAITING),
    adjusted("adjustments_of_something", "amount = 100001", WAITING),
    adjusted("adjustments_have_a_reason", "reason = ' '", POSTED),
    adjusted("adjustments_decided_with_a_reason", "decision_note = ' '", APPROVED),
    adjusted("adjustments_not_of_ones_own", "requested_by_id = user_id", WAITING),
    adjusted(
        "adjustments_decided_by_another", "requested_by_id = decided_by_id", APPROVED, TWO_PEOPLE
    ),
    adjusted("adjustments_above_the_limit_need_two", "approval_limit = 1", POSTED, TWO_PEOPLE),
    adjusted("adjustments_decider_may", f"decided_by_id = {RITA}", APPROVED),
    Control(
        "adjustments_decider_may",
        "UPDATE users SET is_active = false WHERE username = 'fiona';"
        f"UPDATE adjustments SET decision_note = 'Late' WHERE {APPROVED}",
        "decision_note = 'Late'",
        ADJUSTED_STAY,
    ),
    adjust("adjustments_alone_within_the_limit", "100.01", limit="100"),
    adjust("adjustments_alone_within_the_limit", "0.01", limit=""),
    adjust("adjustments_make_no_debt", "-999", limit="1000"),
    Control(
        "adjustments_not_for_staff",
        "UPDATE users SET is_staff = true WHERE username = 'alice';"
        f"UPDATE adjustments SET decision_note = 'Late' WHERE {APPROVED} AND reverses_id IS NULL",
        "decision_note = 'Late'",
        ADJUSTED_STAY,
    ),
    Control("approval_limits_one_row", "INSERT INTO {table} VALUES (2, 1000)", "id = 2"),
    adjusted("adjustments_match_the_ledger", "amount = 9", POSTED, ADJUSTED),
    adjusted("adjustments_posted_by_an_entry", "ledger_entry_id = NULL", POSTED, ADJUSTED),
    Control("adjustments_ledger_entry_id_key", copy(POSTED), repeated("ledger_entry_id")),
    Control("adjustments_reversed_once", copy(WAITING, reverses_id=UNDONE), TWICE),
    repeat("adjustments_token_key", "token", off=ADJUSTED_STAY),
    # What operators did.
    row(AUDIT_STAYS, "reason = 'Another'"),
    Control("audit_entries_not_truncated", TRUNCATE, none_of("TRUE"), "", AUDIT_STAYS),
    row("audit_says_who", "by_id = NULL", off=AUDIT_STAYS),
    row("audit_says_why", "reason = ' '", off=AUDIT_STAYS),
    row("audit_names_the_action", "action = ''", off=AUDIT_STAYS),
    # Terms.
    Control(TERMS_STAY, "UPDATE programs SET minimum_purchase = 99", QUALIFYING),
    Control("programs_stay", delete(UNUSED), none_of(UNUSED), "", TERMS_STAY),
    row("programs_within_budget", "reserved = 30", UNUSED, BUDGET),
    row("programs_amounts_positive", "referee_bonus = 0", off=TERMS_STAY),
    row("programs_one_use_at_least", "max_uses = 0", off=TERMS_STAY),
    repeat("programs_start_once", "starts_at", off=f"{TERMS_DECIDED} programs_start_once_approved"),
    # Who may set them.
    row(TERMS_DECIDED, "starts_at = '2021-01-01'", UNUSED),
    row(TERMS_DECIDED, f"{APPROVE} 'tara'), starts_at = now()", WAITING, "decision_note = 'Right'"),
    row(
        "programs_alone_within_the_limit",
        "status = 'approved'",
        WAITING,
        "requested_by_id IS NOT NULL AND status = 'approved' AND decided_by_id IS NULL",
    ),
    Control(
        "programs_alone_within_the_limit",
        "UPDATE approval_limits SET amount = 19.99;"
        + copy(UNUSED, decided_by_id="NULL", decided_at="NULL", starts_at="now()"),
        "budget = 20 AND decided_by_id IS NULL",
    ),
    Control(
        "programs_alone_within_the_limit",
        copy(
            UNUSED,
            decided_by_id="NULL",
            decided_at="NULL",
            starts_at="now()",
            minimum_purchase="9.99",
        ),
        "budget = 20 AND decided_by_id IS NULL",
    ),
    row("programs_decider_may", f"{APPROVE} 'rita')", WAITING, "decision_note = 'Right'"),
    row("programs_decided_by_another", "requested_by_id = decided_by_id", UNUSED, off=TERMS_STAY),
    row("programs_decided_with_a_reason", "decision_note = ' '", UNUSED, off=TERMS_DECIDED),
    row("programs_decided_with_a_reason", "status = 'rejected'", WAITING, "status = 'rejected'"),
    row("programs_start_once_approved", "decided_at = '2021-01-01'", UNUSED, off=TERMS_DECIDED),
    # Referrals.
    row("referrals_within_cap", "use_number = 11", SECOND_USE, USES),
    row("referrals_use_number_unique", "use_number = 1", SECOND_USE, USES),
    repeat("referrals_referred_user_id_key", "referred_user_id"),
    repeat("referrals_referrer_entry_id_key", "referrer_entry_id"),
    repeat("referrals_referee_entry_id_key", "referee_entry_id"),
    row("referrals_not_of_oneself", "referrer_id = referred_user_id", wrong=BONUS_ENTRIES),
    row("referrals_bonuses_positive", "bonus_amount = 0", wrong=BONUS_ENTRIES),
    row("referrals_completed_are_paid", "referrer_entry_id = NULL", wrong=BONUS_ENTRIES),
    row("referrals_reviewed_with_a_reason", f"{REVIEWED} = {RITA}, review_note = ''"),
    row("referrals_reviewed_by_another", f"{REVIEWED} = referrer_id, review_note = 'Mine'"),
    # Purchases.
    row("payments_amount_in_range", "amount = 0", PAID, PURCHASE),
    row("payments_in_us_dollars", "currency = 'eur'"),
    row("payments_paid_means_credited", "ledger_entry_id = NULL", PAID, PURCHASE),
    row("payments_have_a_session_once_pending", "session_id = NULL", OPEN),
    row("payments_taken_back_check", "taken_back = -1", PAID, TAKEN_BACK),
    row("payments_taken_back_at_most_given", "taken_back = amount + 1", PAID, TAKEN_BACK),
    row("payments_taken_back_once_paid", "taken_back = 1", OPEN, TAKEN_BACK),
    repeat("payments_ledger_entry_id_key", "ledger_entry_id", PAID),
    repeat("payments_payment_intent_id_key", "payment_intent_id", PAID),
    repeat("payments_referral_id_key", "referral_id", PAID),
    repeat("payments_session_id_key", "session_id", OPEN),
    Control(
        "payments_asked_for_once",
        f"UPDATE payments SET idempotency_key = 'order-1' WHERE {OPEN}",
        repeated("(user_id, idempotency_key)"),
    ),
    # Refunds and disputes.
    row("clawbacks_of_something", "amount = 0", TAKES, CLAWBACK),
    row("clawbacks_status_of_their_kind", "status = 'won'", TAKES, CLAWBACK),
    row("clawbacks_take_by_an_entry", "taken = 0", TAKES, TAKEN_BACK),
    repeat("clawbacks_stripe_id_key", "stripe_id"),
    row(
        "clawbacks_ledger_entry_id_key",
        f"(taken, ledger_entry_id) = (SELECT 500, ledger_entry_id FROM clawbacks WHERE {TAKES})",
        TAKES_NOTHING,
        CLAWBACK,
    ),
    # Stripe's events.
    repeat("stripe_events_event_id_key", "event_id"),
    row("stripe_events_processed_has_an_outcome", "processed_at = NULL", "outcome = 'settled'"),
    row(
        "stripe_events_resolved_by_someone",
        "outcome = 'resolved'",
        "outcome = 'settled'",
        RESOLVED_BY_NOBODY,
    ),
    Control(
        "stripe_events_not_born_resolved",
        "INSERT INTO {table} (event_id, event_type, body, received_at, retry_at, attempts, outcome,"
        " reason, last_error, processed_at) VALUES ('evt_born', 'refund.failed', '', now(), now(),"
        " 0, 'resolved', '', '', now())",
        RESOLVED_BY_NOBODY,
        names="stripe_events_resolved_by_someone",
    ),
    row(
        "stripe_events_stay_resolved",
        "outcome = 'settled'",
        "outcome = 'resolved'",
        "outcome = 'settled' AND reason LIKE 'the amount%'",
    ),
]
