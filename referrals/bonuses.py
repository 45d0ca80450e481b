"""Awards the bonuses of a first qualifying purchase, takes them back, and gives them again."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from accounts import ledger, mailboxes
from accounts.ledger import Posting
from accounts.models import LedgerEntry, User
from referrals import codes
from referrals.models import Program, Referral


class Decision(StrEnum):
    """What a purchase meant for the bonus: the first gate that it did not pass, or the award."""

    BELOW_MINIMUM = "below_minimum"  # less than the terms' minimum; a later one may qualify
    NOT_FIRST = "not_first"  # an earlier purchase qualified
    NOT_REFERRED = "not_referred"  # registered without a code
    REFERRER_GONE = "referrer_gone"  # the referrer was deactivated or deleted
    SELF_REFERRAL = "self_referral"  # the code is the buyer's own
    CAP_REACHED = "cap_reached"  # the code has no use left
    HELD = "held"  # it looks like self-dealing; the use is taken, the money waits
    AWARDED = "awarded"  # both sides got their bonus


@dataclass(frozen=True)
class Award:
    """The decision on a purchase, with the record of the use if it took one."""

    decision: Decision
    referral: Referral | None = None


def award(*, buyer: User, referrer: User | None, amount: Decimal, now: datetime) -> Award:
    """Decide what a purchase of `amount` US dollars earns, and pay it (CONTRACT 2.4, 2.5, 2.8).

    Call it inside the transaction that credits the purchase, with both accounts locked: the lock
    on the buyer makes the purchase the first one, the lock on the referrer counts the uses.
    """
    terms = Program.objects.at(now).annotate(uses=codes.uses(referrer)).get()
    if amount < terms.minimum_purchase:
        return Award(Decision.BELOW_MINIMUM)
    if buyer.has_made_first_purchase:
        return Award(Decision.NOT_FIRST)
    buyer.has_made_first_purchase = True
    buyer.save(update_fields=["has_made_first_purchase"])
    if buyer.referred_by_code is None:
        return Award(Decision.NOT_REFERRED)
    if referrer is None or not referrer.is_active:
        return Award(Decision.REFERRER_GONE)
    return _use_code(buyer=buyer, referrer=referrer, terms=terms, uses=terms.uses, now=now)


def _use_code(*, buyer: User, referrer: User, terms: Program, uses: int, now: datetime) -> Award:
    if referrer.pk == buyer.pk:
        return Award(Decision.SELF_REFERRAL)
    if uses >= terms.max_uses:
        return Award(Decision.CAP_REACHED)
    is_one_mailbox = mailboxes.is_same(buyer.email, referrer.email)
    referral = Referral(
        referrer=referrer,
        referred_user=buyer,
        referral_code=buyer.referred_by_code or "",
        bonus_amount=terms.referrer_bonus,
        referee_bonus_amount=terms.referee_bonus,
        completed_at=now,
        program=terms,
        max_uses=terms.max_uses,
        slot=uses + 1,
        review=Referral.Review.HELD if is_one_mailbox else Referral.Review.NONE,
        hold_reason="both e-mails are one mailbox" if is_one_mailbox else "",
        is_same_address=buyer.signup_address == referrer.signup_address != "",
    )
    bring_in_line(referral, now=now)
    return Award(Decision.HELD if is_one_mailbox else Decision.AWARDED, referral)


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
        reason = f"Bonus taken back: {_WHY_NOT[referral.status]}"
        ledger.reverse(*legs, description=reason, now=now, posted_by=posted_by)
        referral.referrer_entry = referral.referee_entry = None
    referral.save()


_WHY_NOT = {
    Referral.Status.HELD: "it is under review",
    Referral.Status.REVERSED: "the purchase no longer qualifies",
    Referral.Status.VOIDED: "it was not granted on review",
}


def _pay(referral: Referral, *, now: datetime, posted_by: User | None) -> None:
    """Post both bonuses in one statement: one side never has what the other has not."""
    referral.awards += 1
    cause = f"bonus:user:{referral.referred_user_id}:{referral.awards}"
    referral.referee_entry, referral.referrer_entry = ledger.post_all(
        Posting(
            user_id=referral.referred_user_id,
            kind=LedgerEntry.Kind.REFEREE_BONUS,
            amount=referral.referee_bonus_amount,
            idempotency_key=f"referee_{cause}",
            description=f"Bonus for registering with the code {referral.referral_code}",
            reference=f"user:{referral.referrer_id}",
        ),
        Posting(
            user_id=referral.referrer_id,
            kind=LedgerEntry.Kind.REFERRER_BONUS,
            amount=referral.bonus_amount,
            idempotency_key=f"referrer_{cause}",
            description=f"Bonus for inviting {referral.referred_user.username}",
            reference=f"user:{referral.referred_user_id}",
        ),
        now=now,
        posted_by=posted_by,
    )
