"""Awards the bonuses of a first qualifying purchase, takes them back, and reinstates them.

The caller holds the locks of both accounts (`ledger.lock_accounts`) for every change here.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F

from accounts import ledger
from accounts.ledger import Posting
from accounts.models import LedgerEntry, User
from referrals import codes, eligibility
from referrals.eligibility import CheckName, CheckResult, Decision, Inputs, Status
from referrals.models import Program, Referral


@dataclass(frozen=True)
class Award:
    """The decision on a purchase, the checks behind it, and the referral if it took a use."""

    decision: Decision
    checks: list[CheckResult]
    referral: Referral | None = None


@dataclass(frozen=True)
class Conditions:
    """The terms in force, and the number of uses of the referrer's code."""

    terms: Program
    uses: int

    def inputs(self, *, buyer: User, referrer: User | None, amount: Decimal) -> Inputs:
        """Return what the checks look at, of a purchase of `amount` US dollars."""
        return Inputs(
            amount=amount,
            buyer_id=buyer.pk,
            buyer_email=buyer.email,
            has_qualified=buyer.has_made_first_purchase,
            code=buyer.referred_by_code,
            referrer_id=referrer.pk if referrer else None,
            referrer_name=referrer.username if referrer else "",
            referrer_email=referrer.email if referrer else "",
            is_referrer_active=referrer is not None and referrer.is_active,
            uses=self.uses,
            terms_start_at=self.terms.starts_at,
            minimum_purchase=self.terms.minimum_purchase,
            max_uses=self.terms.max_uses,
            award=self.terms.award,
            budget_left=self.terms.left,
        )


def conditions(referrer: User | None, *, now: datetime) -> Conditions:
    """Return the conditions for a purchase at `now`, in one query."""
    terms = Program.objects.at(now).annotate(uses=codes.uses(referrer)).get()
    return Conditions(terms, terms.uses)


def award(*, buyer: User, referrer: User | None, amount: Decimal, now: datetime) -> Award:
    """Decide on the bonuses of a purchase of `amount` US dollars, and pay them if they are due.

    Call it in the transaction that credits the purchase (CONTRACT 2.4, 2.5, 2.8).
    """
    # Race: without the buyer's lock two purchases could both be the first one; without the
    # referrer's lock two buyers could both take the tenth use.
    found = conditions(referrer, now=now)
    inputs = found.inputs(buyer=buyer, referrer=referrer, amount=amount)
    decision, checks = eligibility.decide(inputs), eligibility.evaluate(inputs)
    if decision not in eligibility.NOT_QUALIFYING:
        buyer.has_made_first_purchase = True
        buyer.save(update_fields=["has_made_first_purchase"])
    if referrer is None or decision not in eligibility.TAKING_A_USE:
        return Award(decision, checks)
    # Race: the terms were read without a lock, so other buyers may have spent the budget since.
    if not reserve_award(found.terms):
        return Award(Decision.BUDGET_SPENT, _with_budget_spent(checks))
    referral = _create_referral(buyer, referrer, found, decision=decision, now=now)
    return Award(decision, checks, referral)


def _with_budget_spent(checks: list[CheckResult]) -> list[CheckResult]:
    """Return the results with the budget check failed, because others spent the rest of it."""
    return [
        replace(check, status=Status.FAILED, found="") if check.name == CheckName.BUDGET else check
        for check in checks
    ]


def _create_referral(
    buyer: User, referrer: User, found: Conditions, *, decision: Decision, now: datetime
) -> Referral:
    terms = found.terms
    is_held = decision == Decision.HELD
    referral = Referral(
        referrer=referrer,
        referred_user=buyer,
        referral_code=buyer.referred_by_code or "",
        bonus_amount=terms.referrer_bonus,
        referee_bonus_amount=terms.referee_bonus,
        completed_at=now,
        program=terms,
        max_uses=terms.max_uses,
        use_number=found.uses + 1,
        review=Referral.Review.HELD if is_held else Referral.Review.NONE,
        hold_reason="both e-mails are one mailbox" if is_held else "",
        is_same_address=buyer.signup_address == referrer.signup_address != "",
    )
    sync_entries(referral, now=now)
    return referral


def reserve_award(terms: Program) -> bool:
    """Reserve both bonuses in the budget of the terms; return False if too little is left.

    The reservation stays while the bonuses can still be paid, also during a dispute.
    """
    if terms.budget is None:
        return True
    # One conditional UPDATE reads and changes the row: simultaneous awards cannot overspend it.
    enough = Program.objects.filter(pk=terms.pk, reserved__lte=F("budget") - terms.award)
    return bool(enough.update(reserved=F("reserved") + terms.award))


def unreserve_award(referral: Referral) -> None:
    """Return the reserved bonuses to the budget, because they will never be paid."""
    with_budget = Program.objects.filter(pk=referral.program_id, budget__isnull=False)
    with_budget.update(reserved=F("reserved") - referral.award)


def update_qualification(referral: Referral, *, qualifies: bool, now: datetime) -> None:
    """Take both bonuses back if the purchase no longer qualifies; reinstate them if it does."""
    referral.purchase_qualifies = qualifies
    sync_entries(referral, now=now)


def sync_entries(referral: Referral, *, now: datetime, posted_by: User | None = None) -> None:
    """Post the entries that the referral's review and purchase require, and save the referral.

    The status is computed from both, so the order of reviews, refunds and disputes does not matter
    (CONTRACT 2.7, 2.10).
    """
    referral.status = referral.due_status()
    is_due = referral.status == Referral.Status.COMPLETED
    if is_due and referral.referrer_entry is None:
        _pay(referral, now=now, posted_by=posted_by)
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


def _pay(referral: Referral, *, now: datetime, posted_by: User | None) -> None:
    """Post both bonuses, in one statement: never one side alone."""
    # The number makes the keys unique: bonuses can be taken back and paid again.
    referral.awards += 1
    keys = award_keys(referral)[-1]
    referral.referee_entry, referral.referrer_entry = ledger.post_all(
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
            description=f"Bonus for inviting {referral.referred_user.username}",
            reference=f"user:{referral.referred_user_id}",
        ),
        now=now,
        posted_by=posted_by,
    )
