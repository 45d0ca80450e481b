"""What the decision on a purchase's bonuses depends on, beside the purchase and its people."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_

from django.db.models import BigIntegerField, BooleanField, Func, Q, Value

from accounts import mailboxes
from accounts.models import User
from referrals import codes, eligibility
from referrals.eligibility import Inputs
from referrals.models import Program, Referral


@dataclass(frozen=True)
class Conditions:
    """The terms in force, those promised unless they are the same, and the code's use.

    `promised` is None also when the offer has ended.
    """

    terms: Program
    promised: Program | None
    uses: int
    is_mailbox_of_friend: bool
    is_claimed_later: bool = False  # the code, than the purchase was paid

    @property
    def minimum_purchase(self) -> Decimal:
        """The smallest purchase that qualifies under either terms, in US dollars."""
        return min(terms.minimum_purchase for terms in (self.terms, self.promised) if terms)

    def judge(
        self, *, buyer: User, referrer: User | None, amount: Decimal
    ) -> tuple[Inputs, Program]:
        """Return what the checks look at, of a purchase of `amount` US dollars, and the terms.

        Of two terms that may apply these are the ones that bring more (CONTRACT 2.12).
        """
        in_force = self._under(self.terms, buyer=buyer, referrer=referrer, amount=amount)
        if self.promised is None:
            return in_force, self.terms
        promised = self._under(self.promised, buyer=buyer, referrer=referrer, amount=amount)
        if eligibility.better(in_force, promised) is promised:
            return promised, self.promised
        return in_force, self.terms

    def _under(
        self, terms: Program, *, buyer: User, referrer: User | None, amount: Decimal
    ) -> Inputs:
        return Inputs(
            amount=amount,
            buyer_id=buyer.pk,
            buyer_email=buyer.email,
            has_qualified=buyer.has_made_first_purchase,
            code=buyer.referred_by_code,
            is_claimed_later=self.is_claimed_later,
            referrer_id=referrer.pk if referrer else None,
            referrer_name=referrer.username if referrer else "",
            referrer_email=referrer.email if referrer else "",
            is_referrer_active=referrer is not None and referrer.is_active,
            is_mailbox_of_friend=self.is_mailbox_of_friend,
            uses=self.uses,
            terms_start_at=terms.starts_at,
            is_promised=terms is self.promised,
            minimum_purchase=terms.minimum_purchase,
            max_uses=terms.max_uses,
            award=terms.award,
            budget_left=terms.left,
        )


def conditions(buyer: User, referrer: User | None, *, now: datetime) -> Conditions:
    """Return the conditions for a purchase of `buyer` at `now`, in one query.

    The promised terms are not stored with the person, because terms that have started never change
    and are never deleted.
    """
    moments = (now, buyer.attributed_at) if buyer.referred_by_code else (now,)
    either = reduce(or_, (Q(pk__in=Program.objects.at(moment).values("pk")) for moment in moments))
    shares_mailbox = Func(
        Value(referrer and referrer.pk, BigIntegerField()),
        Value(buyer.pk, BigIntegerField()),
        function="referral_shares_mailbox",
        output_field=BooleanField(),
    )
    found = Program.objects.filter(either).annotate(
        uses=codes.uses(referrer), shares_mailbox=shares_mailbox
    )
    in_force, *earlier = found.order_by("-starts_at")
    promised = next((one for one in earlier if now < one.offer_ends(buyer.attributed_at)), None)
    is_of_friend = is_mailbox_of_friend(in_force.shares_mailbox, buyer=buyer, referrer=referrer)
    return Conditions(in_force, promised, in_force.uses, is_of_friend)


def is_mailbox_of_friend(
    shares_mailbox: bool | None, *, buyer: User, referrer: User | None
) -> bool:
    """Return what `referral_shares_mailbox` answers, or find out when it does not know.

    Then somebody's mailbox is not stored: the version before this one wrote the row.
    """
    if shares_mailbox is not None or referrer is None:
        return bool(shares_mailbox)
    friends = Referral.objects.filter(referrer=referrer).exclude(referred_user=buyer)
    emails = friends.order_by().values_list("referred_user__email", flat=True)
    return any(mailboxes.is_same(buyer.email, email) for email in emails)
