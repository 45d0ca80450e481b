"""Compares both people of a referral: what matches, and what each of them has done."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from accounts import mailboxes
from accounts.models import LedgerEntry, User
from accounts.money import from_cents
from payments.models import Payment
from referrals.bonuses import award_keys
from referrals.models import Referral


@dataclass(frozen=True)
class Side:
    """One of the two people; `paid` in US dollars."""

    user: User
    purchases: int
    paid: Decimal
    referrals: int
    others_held: int


@dataclass(frozen=True)
class ReferralComparison:
    """Both sides of a referral, and what they have in common."""

    referrer: Side
    referee: Side
    mailbox: str  # that both e-mail addresses end up in, if it is one
    card_payments: list[int]  # the purchases of both with the same card
    is_same_address: bool
    friends_of_mailbox: list[User]  # earlier friends of the code with the friend's mailbox
    friends_of_card: list[User]  # and those who paid with a card of the friend's


def compare_people(referral: Referral) -> ReferralComparison:
    """Return both people of a referral, read with them, as they are now."""
    referrer, referee = referral.referrer, referral.referred_user
    is_one_mailbox = mailboxes.is_same(referrer.email, referee.email)
    purchases, uses = _purchases(referrer, referee), _uses(referral)
    by_card_of_referee = Payment.objects.by_card_of(referee)
    referrer_side, referee_side = (
        Side(user, *purchases.get(user.pk, (0, Decimal(0))), *uses.get(user.pk, (0, 0)))
        for user in (referrer, referee)
    )
    return ReferralComparison(
        referrer=referrer_side,
        referee=referee_side,
        mailbox=mailboxes.fold(referrer.email) if is_one_mailbox else "",
        card_payments=_by_one_card(referrer, referee),
        is_same_address=referral.is_same_address,
        friends_of_mailbox=list(_earlier_friends(referral).filter(mailbox=referee.mailbox)),
        friends_of_card=list(
            _earlier_friends(referral).filter(pk__in=by_card_of_referee.values("user"))
        ),
    )


def _earlier_friends(referral: Referral) -> QuerySet[User]:
    earlier = Referral.objects.filter(
        referrer=referral.referrer_id, use_number__lt=referral.use_number
    )
    return User.objects.filter(pk__in=earlier.values("referred_user")).order_by("pk")


def _purchases(*people: User) -> dict[int, tuple[int, Decimal]]:
    paid = Payment.objects.filter(user__in=people, status=Payment.Status.PAID).order_by()
    sums = paid.values_list("user").annotate(count=Count("pk"), cents=Sum("amount"))
    return {user: (count, from_cents(cents)) for user, count, cents in sums}


def _uses(referral: Referral) -> dict[int, tuple[int, int]]:
    """Return how many each of the two referred, and how many of these wait, this one aside."""
    is_other = Q(status=Referral.Status.HELD) & ~Q(pk=referral.pk)
    people = (referral.referrer_id, referral.referred_user_id)
    made = Referral.objects.filter(referrer__in=people).order_by().values_list("referrer")
    counts = made.annotate(uses=Count("pk"), held=Count("pk", filter=is_other))
    return {user: (uses, held) for user, uses, held in counts}


def _by_one_card(one: User, other: User) -> list[int]:
    """Return the purchases of the two by a card with which both have paid."""
    theirs = Payment.objects.filter(user__in=(one, other)).by_card_of(one).by_card_of(other)
    return list(theirs.order_by("pk").values_list("pk", flat=True))


def unpaid_since(referrals: Collection[Referral]) -> dict[int, datetime]:
    """Return since when each of these is unpaid: since its purchase, or since it was taken back."""
    since = {referral.pk: referral.completed_at for referral in referrals}
    last_paid = {
        keys.referrer: referral.pk for referral in referrals for keys in award_keys(referral)[-1:]
    }
    taken_back = LedgerEntry.objects.filter(reverses__idempotency_key__in=last_paid)
    for key, at in taken_back.values_list("reverses__idempotency_key", "created_at"):
        since[last_paid[key]] = at
    return since
