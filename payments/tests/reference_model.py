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
    """A use of the referrer's code, with the terms that were in force."""

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
    def use_status(self) -> str:
        assert self.use
        if self.use.review == "voided":
            return "voided"
        is_disputed = any(c.takes_back for c in self.clawbacks if c.kind == "dispute")
        if is_disputed or self.cents - self.taken_back < self.use.terms.minimum:
            return "reversed"
        return "held" if self.use.review == "held" else "completed"


@dataclass
class ReferenceModel:
    """All members and purchases, and the terms in force."""

    terms: Terms
    members: list[Member] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)

    def register(self, name: str, mailbox: int, code_of: Member | None) -> Member:
        """Register a member; the code counts if its owner is active and it has uses left."""
        counts = code_of and code_of.is_active and self.uses_left(code_of) > 0
        member = Member(name, mailbox, code_of if counts else None)
        self.members.append(member)
        return member

    def order(self, buyer: Member, cents: int) -> Purchase:
        purchase = Purchase(buyer, cents)
        self.purchases.append(purchase)
        return purchase

    def mark_paid(self, purchase: Purchase) -> None:
        if purchase.status == "paid":
            return
        purchase.status = "paid"
        buyer = purchase.buyer
        if purchase.cents < self.terms.minimum or buyer.has_qualified:
            return
        buyer.has_qualified = True
        referrer = buyer.referrer
        if referrer and referrer.is_active and self.uses_left(referrer) > 0:
            review: Review = "held" if buyer.mailbox == referrer.mailbox else "none"
            purchase.use = Use(referrer, len(self.uses_of(referrer)) + 1, self.terms, review)

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
