"""A reference model of CONTRACT 2 in plain Python.

It shares no code with the program. It stores what happened, and computes balances and statuses from
it each time. Money is in cents.
"""

from dataclasses import dataclass, field
from typing import Literal

Review = Literal["none", "held", "released", "voided"]


@dataclass(frozen=True)
class Terms:
    """The terms of the program."""

    referrer_bonus: int
    referee_bonus: int
    minimum: int
    cap: int


@dataclass(eq=False)
class Member:
    """A user; `mailbox` is the same for all addresses of one mailbox."""

    name: str
    mailbox: int
    referrer: "Member | None"
    # In force at the sign-up with a code, or at the claim of one.
    promised: Terms | None = None
    is_active: bool = True
    has_qualified: bool = False
    adjustments: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Clawback:
    """A refund or a dispute, with all statuses that Stripe reported, in any order."""

    kind: Literal["refund", "dispute"]
    cents: int
    reported: set[str] = field(default_factory=set)

    @property
    def takes_back(self) -> bool:
        if self.kind == "refund":
            return "succeeded" in self.reported and "failed" not in self.reported
        return bool(self.reported) and "won" not in self.reported


@dataclass(eq=False)
class Use:
    """A use of the referrer's code, with the terms that it was judged by."""

    referrer: Member
    use_number: int
    terms: Terms
    review: Review


@dataclass(eq=False)
class Purchase:
    """A purchase, paid or not."""

    buyer: Member
    cents: int
    status: str = "pending"
    use: Use | None = None
    clawbacks: list[Clawback] = field(default_factory=list)

    @property
    def taken_back(self) -> int:
        if self.status != "paid":
            return 0
        return min(self.cents, sum(c.cents for c in self.clawbacks if c.takes_back))

    @property
    def qualifies(self) -> bool:
        """Whether what is left of it still earns the bonus of its use."""
        assert self.use
        is_disputed = any(c.takes_back for c in self.clawbacks if c.kind == "dispute")
        return not is_disputed and self.cents - self.taken_back >= self.use.terms.minimum

    @property
    def use_status(self) -> str:
        assert self.use
        if self.use.review == "voided":
            return "voided"
        if not self.qualifies:
            return "reversed"
        return "held" if self.use.review == "held" else "completed"

    def hear(self, clawback: Clawback, status: str) -> None:
        """Learn a status from Stripe; a bonus given again to somebody who left is held (2.13)."""
        use = self.use if self.use and self.use.review != "voided" else None
        was_reversed = use and not self.qualifies
        clawback.reported.add(status)
        if use and was_reversed and self.qualifies and not use.referrer.is_active:
            use.review = "held"


@dataclass
class ReferenceModel:
    """All members and purchases, and the terms in force."""

    terms: Terms
    members: list[Member] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)

    def register(self, name: str, mailbox: int, code_of: Member | None) -> Member:
        """Register a member; the code counts if its owner is active and it has uses left."""
        counts = code_of and code_of.is_active and self.uses_left(code_of) > 0
        member = Member(name, mailbox, code_of) if counts else Member(name, mailbox, None)
        member.promised = self.terms if counts else None
        self.members.append(member)
        return member

    def has_bought(self, member: Member) -> bool:
        return any(p.buyer is member and p.status == "paid" for p in self.purchases)

    def inviters(self, member: Member) -> list[Member]:
        """Return the member's inviter, the inviter's inviter, and so on."""
        referrer = member.referrer
        return [referrer, *self.inviters(referrer)] if referrer else []

    def claim(self, member: Member, owner: Member) -> bool:
        """Claim the code, and return whether it counts."""
        is_ring = member is owner or member in self.inviters(owner)
        if is_ring or not owner.is_active or not self.uses_left(owner):
            return False
        member.referrer, member.promised = owner, self.terms
        return True

    def order(self, buyer: Member, cents: int) -> Purchase:
        purchase = Purchase(buyer, cents)
        self.purchases.append(purchase)
        return purchase

    def mark_paid(self, purchase: Purchase) -> None:
        if purchase.status == "paid":
            return
        purchase.status = "paid"
        buyer, terms = purchase.buyer, self.terms
        promised = buyer.promised
        if promised and self.brings(purchase, promised) > self.brings(purchase, terms):
            terms = promised
        if purchase.cents < terms.minimum or buyer.has_qualified:
            return
        referrer = buyer.referrer
        is_too_small = promised is not None and purchase.cents < promised.minimum
        is_used_up = referrer and referrer.is_active and len(self.uses_of(referrer)) >= terms.cap
        if is_too_small and is_used_up:
            return  # the offer stays open for a larger purchase
        buyer.has_qualified = True
        if referrer and referrer.is_active and len(self.uses_of(referrer)) < terms.cap:
            mailboxes = {referrer.mailbox, *(used.buyer.mailbox for used in self.uses_of(referrer))}
            review: Review = "held" if buyer.mailbox in mailboxes else "none"
            purchase.use = Use(referrer, len(self.uses_of(referrer)) + 1, terms, review)

    def brings(self, purchase: Purchase, terms: Terms) -> int:
        """Return what both people together get for a purchase that is judged by these terms."""
        referrer = purchase.buyer.referrer
        if purchase.cents < terms.minimum or purchase.buyer.has_qualified:
            return 0
        if not referrer or not referrer.is_active or len(self.uses_of(referrer)) >= terms.cap:
            return 0
        return terms.referrer_bonus + terms.referee_bonus

    def mark_closed(self, purchase: Purchase, status: str) -> None:
        if purchase.status != "paid":
            purchase.status = status

    def used(self) -> list[tuple[Purchase, Use]]:
        return [(purchase, purchase.use) for purchase in self.purchases if purchase.use]

    def uses_of(self, referrer: Member) -> list[Purchase]:
        return [purchase for purchase, use in self.used() if use.referrer is referrer]

    def uses_left(self, referrer: Member) -> int:
        return max(self.terms.cap - len(self.uses_of(referrer)), 0)

    def pending(self, referrer: Member) -> int:
        """Count the sign-ups with the code that have not made a qualifying purchase."""
        return sum(
            member.referrer is referrer and member.is_active and not member.has_qualified
            for member in self.members
        )

    def earned(self, referrer: Member) -> int:
        return sum(
            use.terms.referrer_bonus
            for purchase, use in self.used()
            if use.referrer is referrer and purchase.use_status == "completed"
        )

    def may_adjust(self, member: Member, cents: int) -> bool:
        """Return whether the adjustment is allowed: no debts, no credit to a deactivated user."""
        return member.is_active if cents > 0 else self.balance(member) + cents >= 0

    def balance(self, member: Member) -> int:
        mine = [p for p in self.purchases if p.buyer is member and p.status == "paid"]
        bought = sum(purchase.cents - purchase.taken_back for purchase in mine)
        welcome = sum(
            use.terms.referee_bonus
            for purchase, use in self.used()
            if purchase.buyer is member and purchase.use_status == "completed"
        )
        return bought + welcome + self.earned(member) + sum(member.adjustments)
