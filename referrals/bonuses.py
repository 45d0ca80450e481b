"""Awards the bonuses of a first qualifying purchase, takes them back, and gives them again."""

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
    """The decision on a purchase, why, and the record of the use if it took one."""

    decision: Decision
    checks: list[CheckResult]
    referral: Referral | None = None


@dataclass(frozen=True)
class Conditions:
    """What a purchase is judged by: the terms in force, and the uses of the referrer's code."""

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
    """Return what a purchase is judged by at `now`, in one query."""
    terms = Program.objects.at(now).annotate(uses=codes.uses(referrer)).get()
    return Conditions(terms, terms.uses)


def award(*, buyer: User, referrer: User | None, amount: Decimal, now: datetime) -> Award:
    """Decide what a purchase of `amount` US dollars earns, and pay it (CONTRACT 2.4, 2.5, 2.8).

    Call it inside the transaction that credits the purchase, with both accounts locked: the lock
    on the buyer makes the purchase the first one, the lock on the referrer counts the uses.
    """
    found = conditions(referrer, now=now)
    terms, uses = found.terms, found.uses
    inputs = found.inputs(buyer=buyer, referrer=referrer, amount=amount)
    decision, checks = eligibility.decide(inputs), eligibility.evaluate(inputs)
    if decision not in eligibility.NOT_QUALIFYING:
        buyer.has_made_first_purchase = True
        buyer.save(update_fields=["has_made_first_purchase"])
    if referrer is None or decision not in eligibility.TAKING_A_USE:
        return Award(decision, checks)
    if not reserve(terms):
        return Award(Decision.BUDGET_SPENT, _with_budget_spent(checks))
    referral = _use_code(buyer, referrer, terms=terms, uses=uses, decision=decision, now=now)
    return Award(decision, checks, referral)


def _with_budget_spent(checks: list[CheckResult]) -> list[CheckResult]:
    """Return the results as they are once another purchase has taken the last of the budget."""
    return [
        replace(check, status=Status.FAILED, found="") if check.name == CheckName.BUDGET else check
        for check in checks
    ]


def _use_code(
    buyer: User, referrer: User, *, terms: Program, uses: int, decision: Decision, now: datetime
) -> Referral:
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
        use_number=uses + 1,
        review=Referral.Review.HELD if is_held else Referral.Review.NONE,
        hold_reason="both e-mails are one mailbox" if is_held else "",
        is_same_address=buyer.signup_address == referrer.signup_address != "",
    )
    bring_in_line(referral, now=now)
    return referral


def reserve(terms: Program) -> bool:
    """Set an award aside from the budget, if there is one; return whether it sufficed.

    The row decides, so that of many at once only so many get it. What is reserved stays so while
    it can come to be paid: also while the purchase is disputed.
    """
    if terms.budget is None:
        return True
    enough = Program.objects.filter(pk=terms.pk, reserved__lte=F("budget") - terms.award)
    return bool(enough.update(reserved=F("reserved") + terms.award))


def unreserve(referral: Referral) -> None:
    """Put back what was set aside for bonuses that are given up for good."""
    award = referral.bonus_amount + referral.referee_bonus_amount
    of_a_budget = Program.objects.filter(pk=referral.program_id, budget__isnull=False)
    of_a_budget.update(reserved=F("reserved") - award)


def requalify(referral: Referral, *, qualifies: bool, now: datetime) -> None:
    """Take both bonuses back when the purchase stops to qualify; give them again when it does.

    Both accounts are locked by the caller, as for every change of a referral.
    """
    referral.purchase_qualifies = qualifies
    bring_in_line(referral, now=now)


def bring_in_line(referral: Referral, *, now: datetime, posted_by: User | None = None) -> None:
    """Post what makes the bonuses follow the referral's review and purchase, and save it.

    The status follows from what is known, not from the order in which it came to be known
    (CONTRACT 2.7, 2.10).
    """
    referral.status = referral.due_status()
    is_due = referral.status == Referral.Status.COMPLETED
    if is_due and referral.referrer_entry is None:
        _pay(referral, now=now, posted_by=posted_by)
    elif not is_due and referral.referrer_entry and referral.referee_entry:
        legs = referral.referrer_entry, referral.referee_entry
        reason = TAKEN_BACK[referral.status]
        ledger.reverse(*legs, description=reason, now=now, posted_by=posted_by)
        referral.referrer_entry = referral.referee_entry = None
    referral.save()


# How the ledger describes a bonus that is taken back, by what has become of the referral.
TAKEN_BACK = {
    Referral.Status.HELD: "Bonus taken back: it is under review",
    Referral.Status.REVERSED: "Bonus taken back: the purchase no longer qualifies",
    Referral.Status.VOIDED: "Bonus taken back: it was not granted on review",
}


class AwardKeys(NamedTuple):
    """What names the two entries by which the bonuses were paid once."""

    referrer: str
    referee: str


def award_keys(referral: Referral) -> list[AwardKeys]:
    """Return what names the entries of a referral, for each time that its bonuses were paid."""
    cause = f"user:{referral.referred_user_id}"
    return [
        AwardKeys(f"referrer_bonus:{cause}:{number}", f"referee_bonus:{cause}:{number}")
        for number in range(1, referral.awards + 1)
    ]


def _pay(referral: Referral, *, now: datetime, posted_by: User | None) -> None:
    """Post both bonuses in one statement: one side never has what the other has not."""
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
