"""Awards the bonuses of a first qualifying purchase, and says why when there are none."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from accounts import ledger
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
    AWARDED = "awarded"  # both sides got their bonus


@dataclass(frozen=True)
class Award:
    """The decision on a purchase, with the record of the use when it paid."""

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
    referral = _pay(buyer=buyer, referrer=referrer, terms=terms, slot=uses + 1, now=now)
    return Award(Decision.AWARDED, referral)


def _pay(*, buyer: User, referrer: User, terms: Program, slot: int, now: datetime) -> Referral:
    code = referrer.referral_code or ""
    referee_entry = ledger.post(
        user_id=buyer.pk,
        kind=LedgerEntry.Kind.REFEREE_BONUS,
        amount=terms.referee_bonus,
        idempotency_key=f"referee_bonus:user:{buyer.pk}",
        description=f"Bonus for registering with the code {code}",
        reference=f"user:{referrer.pk}",
        now=now,
    )
    referrer_entry = ledger.post(
        user_id=referrer.pk,
        kind=LedgerEntry.Kind.REFERRER_BONUS,
        amount=terms.referrer_bonus,
        idempotency_key=f"referrer_bonus:user:{buyer.pk}",
        description=f"Bonus for inviting {buyer.username}",
        reference=f"user:{buyer.pk}",
        now=now,
    )
    return Referral.objects.create(
        referrer=referrer,
        referred_user=buyer,
        referral_code=code,
        bonus_amount=terms.referrer_bonus,
        referee_bonus_amount=terms.referee_bonus,
        status=Referral.Status.COMPLETED,
        completed_at=now,
        program=terms,
        max_uses=terms.max_uses,
        slot=slot,
        referrer_entry=referrer_entry,
        referee_entry=referee_entry,
    )
