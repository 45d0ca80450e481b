"""Awards the bonuses of a first qualifying purchase, takes them back, and reinstates them.

The caller holds the locks of both accounts (`ledger.lock_accounts`) for every change here.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import F

from accounts import ledger
from accounts.ledger import Posting
from accounts.models import LedgerEntry, User
from referrals import eligibility
from referrals.conditions import Conditions
from referrals.eligibility import CheckResult, Decision
from referrals.models import Program, Referral


@dataclass(frozen=True)
class Award:
    """The decision on a purchase, the checks behind it, and the new referral if a use is taken."""

    decision: Decision
    checks: list[CheckResult]
    referral: Referral | None = None

    @property
    def is_qualifying(self) -> bool:
        """Whether the buyer's first qualifying purchase is this one."""
        return self.decision not in eligibility.NOT_QUALIFYING

    @property
    def postings(self) -> tuple[Posting, ...]:
        """The entries of the bonuses, none unless they are paid now."""
        if self.referral is None or self.referral.status != Referral.Status.COMPLETED:
            return ()
        return next_postings(self.referral)


def award(
    found: Conditions,
    *,
    buyer: User,
    referrer: User | None,
    amount: Decimal,
    occurred_at: datetime,
) -> Award:
    """Decide on the bonuses of a purchase of `amount` US dollars, paid at `occurred_at`.

    The referral in the award is not saved yet, and its `next_postings` are not posted: the
    caller writes both in the transaction that credits the purchase (CONTRACT 2.4, 2.5, 2.8).
    """
    inputs, terms = found.judge(buyer=buyer, referrer=referrer, amount=amount)
    decision, checks = eligibility.decide(inputs), eligibility.evaluate(inputs)
    if referrer is None or decision not in eligibility.TAKING_A_USE:
        return Award(decision, checks)
    if not reserve_award(terms):
        # Race: the terms were read without a lock, and others have spent the budget since. Decide
        # again with what is left.
        terms.refresh_from_db(fields=["reserved"])
        return award(found, buyer=buyer, referrer=referrer, amount=amount, occurred_at=occurred_at)
    is_held = decision == Decision.HELD
    referral = Referral(
        referrer=referrer,
        referred_user=buyer,
        referral_code=buyer.referred_by_code or "",
        bonus_amount=terms.referrer_bonus,
        referee_bonus_amount=terms.referee_bonus,
        completed_at=occurred_at,
        program=terms,
        max_uses=terms.max_uses,
        use_number=found.uses + 1,
        review=Referral.Review.HELD if is_held else Referral.Review.NONE,
        hold_reason=eligibility.hold_reason(checks) if is_held else "",
        is_same_address=buyer.signup_address == referrer.signup_address != "",
    )
    referral.status = referral.due_status()
    return Award(decision, checks, referral)


def reserve_award(terms: Program) -> bool:
    """Reserve both bonuses in the budget of the terms; return False if too little is left.

    The reservation stays while the bonuses can still be paid, also during a dispute.
    """
    if terms.budget is None:
        return True
    # One conditional UPDATE reads and changes the row: simultaneous awards cannot overspend it.
    enough = Program.objects.filter(pk=terms.pk, reserved__lte=F("budget") - terms.award)
    return bool(enough.update(reserved=F("reserved") + terms.award))


def reserve_again(referral: Referral) -> bool:
    """Reserve the award unless it is reserved; return False if the budget has too little left."""
    if not referral.is_budgeted:
        referral.is_budgeted = reserve_award(referral.program)
    return referral.is_budgeted


def unreserve_award(referral: Referral) -> None:
    """Return the award to the budget, because it is not to be paid any more."""
    with_budget = Program.objects.filter(pk=referral.program_id, budget__isnull=False)
    with_budget.update(reserved=F("reserved") - referral.award)
    referral.is_budgeted = False


def update_qualification(
    referral: Referral, *, qualifies: bool, is_final: bool, now: datetime
) -> None:
    """Take both bonuses back if the purchase no longer qualifies; reinstate them if it does.

    `is_final`: refunds alone have ended it, so that the award returns to the budget. A refund that
    fails reserves it again.
    """
    is_reinstated = qualifies and not referral.purchase_qualifies
    if is_final and referral.is_budgeted:
        unreserve_award(referral)
    is_reserved = is_final or referral.review == Referral.Review.VOIDED or reserve_again(referral)
    if is_reinstated and referral.review in _UNDECIDED_OR_RELEASED:
        if not referral.referrer.is_active:
            _hold_again(referral, "the referrer was deactivated meanwhile")
        elif not is_reserved:
            _hold_again(referral, "the budget was spent meanwhile")
    referral.purchase_qualifies = qualifies
    sync_entries(referral, now=now)


_UNDECIDED_OR_RELEASED = {Referral.Review.NONE, Referral.Review.RELEASED}


def _hold_again(referral: Referral, reason: str) -> None:
    """Let an operator decide, whatever one decided before (CONTRACT 2.13)."""
    referral.review = Referral.Review.HELD
    referral.hold_reason = reason
    referral.review_note, referral.reviewed_by, referral.reviewed_at = "", None, None


def sync_entries(referral: Referral, *, now: datetime, posted_by: User | None = None) -> None:
    """Post the entries that the referral's review and purchase require, and save the referral.

    The status is computed from both, so the order of reviews, refunds and disputes does not matter
    (CONTRACT 2.7, 2.10).
    """
    referral.status = referral.due_status()
    is_due = referral.status == Referral.Status.COMPLETED
    if is_due and referral.referrer_entry is None:
        # One statement: never one side alone.
        referral.referee_entry, referral.referrer_entry = ledger.post_all(
            *next_postings(referral), now=now, posted_by=posted_by
        )
    elif not is_due and referral.referrer_entry and referral.referee_entry:
        entries = referral.referrer_entry, referral.referee_entry
        description = REVERSAL_DESCRIPTIONS[referral.status]
        ledger.reverse(*entries, description=description, now=now, posted_by=posted_by)
        referral.referrer_entry = referral.referee_entry = None
    referral.save()


# The description of the reversal entries, by the new status of the referral.
REVERSAL_DESCRIPTIONS = {
    Referral.Status.HELD: "Bonus taken back: it is under review",
    Referral.Status.REVERSED: "Bonus taken back: the purchase no longer qualifies",
    Referral.Status.VOIDED: "Bonus taken back: it was not granted on review",
}


class AwardKeys(NamedTuple):
    """The idempotency keys of the two entries of one payment of the bonuses."""

    referrer: str
    referee: str


def award_keys(referral: Referral) -> list[AwardKeys]:
    """Return the keys of the entries of a referral, for each time that its bonuses were paid."""
    cause = f"user:{referral.referred_user_id}"
    return [
        AwardKeys(f"referrer_bonus:{cause}:{number}", f"referee_bonus:{cause}:{number}")
        for number in range(1, referral.awards + 1)
    ]


def next_postings(referral: Referral) -> tuple[Posting, Posting]:
    """Count one more award, and return its two entries: of the referee, of the referrer."""
    # The number makes the keys unique: bonuses can be taken back and paid again.
    referral.awards += 1
    keys = award_keys(referral)[-1]
    return (
        Posting(
            user_id=referral.referred_user_id,
            kind=LedgerEntry.Kind.REFEREE_BONUS,
            amount=referral.referee_bonus_amount,
            idempotency_key=keys.referee,
            description=f"Bonus for registering with the code {referral.referral_code}",
            reference=f"user:{referral.referrer_id}",
        ),
        Posting(
            user_id=referral.referrer_id,
            kind=LedgerEntry.Kind.REFERRER_BONUS,
            amount=referral.bonus_amount,
            idempotency_key=keys.referrer,
            description=ledger.OF_A_FRIEND,
            reference=f"user:{referral.referred_user_id}",
        ),
    )


_INSERTED = [
    field.attname
    for field in Referral._meta.concrete_fields
    if field.attname not in ("id", "referrer_entry_id", "referee_entry_id")
]
# Common table expressions for a statement's WITH, after `ledger.posting_sql`: `referral` holds the
# id of a new referral, with the entries of its bonuses if these were posted, or else NULL.
NEW_REFERRAL = f"""
referral AS (
    INSERT INTO referrals ({", ".join(_INSERTED)}, referee_entry_id, referrer_entry_id)
    VALUES ({", ".join(f"%(referral_{column})s" for column in _INSERTED)},
            (SELECT id FROM entry WHERE kind = '{LedgerEntry.Kind.REFEREE_BONUS}'),
            (SELECT id FROM entry WHERE kind = '{LedgerEntry.Kind.REFERRER_BONUS}'))
    RETURNING id
)"""
NO_REFERRAL = "referral AS (SELECT NULL::bigint AS id)"


def referral_params(referral: Referral) -> dict[str, Any]:
    """Return the parameters of `NEW_REFERRAL`."""
    return {f"referral_{column}": getattr(referral, column) for column in _INSERTED}
