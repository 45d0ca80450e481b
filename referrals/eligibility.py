"""The ordered checks between a purchase and its bonuses: the first one that fails decides.

Settlement, explanation and simulation all go through `CHECKS`. This is plain Python on plain
values, which the caller has read: nothing here asks the database.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from accounts import mailboxes


class Decision(StrEnum):
    """What a purchase means for the bonus: the first check that fails, or the award."""

    BELOW_MINIMUM = "below_minimum"  # less than the terms' minimum; a later one may qualify
    NOT_FIRST = "not_first"  # an earlier purchase qualified
    NOT_REFERRED = "not_referred"  # registered without a code, or claimed one after the purchase
    REFERRER_GONE = "referrer_gone"  # the referrer was deactivated or deleted
    SELF_REFERRAL = "self_referral"  # the code is the buyer's own
    CAP_REACHED = "cap_reached"  # the code has no use left
    BUDGET_SPENT = "budget_spent"  # what is left of the program's budget is less than an award
    HELD = "held"  # it looks like self-dealing; the use is taken, the money waits
    AWARDED = "awarded"  # both sides get their bonus


# With these decisions a purchase is not the one that qualifies; a later one may be the first.
NOT_QUALIFYING = {Decision.BELOW_MINIMUM, Decision.NOT_FIRST}
# With these a use is taken, and the money is paid or set aside.
TAKING_A_USE = {Decision.AWARDED, Decision.HELD}
# How the check of the terms says that they are those of the sign-up, or of a later claim.
PROMISED = " (promised with the invitation)"


class CheckName(StrEnum):
    """What each check asks, in the order of `CHECKS`."""

    TERMS = "terms"  # which terms apply? This one always passes.
    MINIMUM = "minimum"  # is the purchase large enough?
    FIRST = "first"  # has no earlier purchase qualified?
    ATTRIBUTED = "attributed"  # did the buyer have somebody's code before the purchase?
    REFERRER = "referrer"  # is the referrer's account active?
    OTHER = "other"  # is the referrer somebody else than the buyer?
    CAP = "cap"  # has the code a use left?
    BUDGET = "budget"  # does the program's budget suffice for one more award?
    MAILBOX = "mailbox"  # are the two e-mail addresses two mailboxes?
    FRIENDS = "friends"  # has no earlier friend of the code the buyer's mailbox?


class Status(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"  # there is no referrer whom it could look at


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that the checks look at: of a purchase now, of long ago, or one that nobody makes.

    Amounts are in US dollars. A deleted referrer has left the code, and no account.
    """

    amount: Decimal
    buyer_id: int
    buyer_email: str
    has_qualified: bool  # by an earlier purchase
    code: str | None  # that the buyer registered with, or claimed
    is_claimed_later: bool  # than the purchase was paid
    referrer_id: int | None
    referrer_name: str
    referrer_email: str
    is_referrer_active: bool
    is_mailbox_of_friend: bool  # of one whose purchase has used the code
    uses: int  # of the code
    terms_start_at: datetime
    is_promised: bool  # the terms are those of the sign-up or the claim, not those in force
    minimum_purchase: Decimal
    max_uses: int
    award: Decimal  # both sides together
    budget_left: Decimal | None  # None: these terms have no budget


@dataclass(frozen=True)
class CheckResult:
    """How one check ended: what it found, and what it compared that with."""

    name: CheckName
    status: Status
    found: str = ""
    required: str = ""

    @property
    def decision(self) -> Decision | None:
        """What it means for the bonus when this check fails; None: it never fails."""
        return _DECISIONS[self.name]


@dataclass(frozen=True)
class Check:
    """One condition of a bonus; `decision` is what it means for the bonus when it fails."""

    name: CheckName
    decision: Decision | None
    passes: Callable[[Inputs], bool]
    needs: Literal["amount", "code", "referrer_id"] = "amount"  # None there: not checked
    values: Callable[[Inputs], tuple[str, str]] = lambda inputs: ("", "")

    def status(self, inputs: Inputs) -> Status:
        if getattr(inputs, self.needs) is None:
            return Status.NOT_CHECKED
        return Status.PASSED if self.passes(inputs) else Status.FAILED

    def result(self, inputs: Inputs) -> CheckResult:
        status = self.status(inputs)
        values = ("", "") if status == Status.NOT_CHECKED else self.values(inputs)
        return CheckResult(self.name, status, *values)


def _terms(inputs: Inputs) -> str:
    start = f"{inputs.terms_start_at:%Y-%m-%d}"
    return f"{start}{PROMISED}" if inputs.is_promised else start


def _budget(inputs: Inputs) -> tuple[str, str]:
    left = inputs.budget_left
    return ("", "") if left is None else (f"{left:.2f}", f"{inputs.award:.2f}")


# What only holds a bonus comes last: without it the bonus would be awarded (CONTRACT 2.10).
CHECKS = (
    Check(
        CheckName.TERMS,
        decision=None,
        passes=lambda inputs: True,
        values=lambda inputs: (_terms(inputs), f"{inputs.award:.2f}"),
    ),
    Check(
        CheckName.MINIMUM,
        Decision.BELOW_MINIMUM,
        passes=lambda inputs: inputs.amount >= inputs.minimum_purchase,
        values=lambda inputs: (f"{inputs.amount:.2f}", f"{inputs.minimum_purchase:.2f}"),
    ),
    Check(CheckName.FIRST, Decision.NOT_FIRST, passes=lambda inputs: not inputs.has_qualified),
    Check(
        CheckName.ATTRIBUTED,
        Decision.NOT_REFERRED,
        passes=lambda inputs: inputs.code is not None and not inputs.is_claimed_later,
        values=lambda inputs: (inputs.code or "", ""),
    ),
    Check(
        CheckName.REFERRER,
        Decision.REFERRER_GONE,
        passes=lambda inputs: inputs.referrer_id is not None and inputs.is_referrer_active,
        needs="code",
        values=lambda inputs: (inputs.referrer_name, ""),
    ),
    Check(
        CheckName.OTHER,
        Decision.SELF_REFERRAL,
        passes=lambda inputs: inputs.referrer_id != inputs.buyer_id,
        needs="referrer_id",
        values=lambda inputs: (inputs.referrer_name, ""),
    ),
    Check(
        CheckName.CAP,
        Decision.CAP_REACHED,
        passes=lambda inputs: inputs.uses < inputs.max_uses,
        needs="referrer_id",
        values=lambda inputs: (str(inputs.uses), str(inputs.max_uses)),
    ),
    Check(
        CheckName.BUDGET,
        Decision.BUDGET_SPENT,
        passes=lambda inputs: inputs.budget_left is None or inputs.budget_left >= inputs.award,
        needs="referrer_id",
        values=_budget,
    ),
    Check(
        CheckName.MAILBOX,
        Decision.HELD,
        passes=lambda inputs: not mailboxes.is_same(inputs.buyer_email, inputs.referrer_email),
        needs="referrer_id",
    ),
    Check(
        CheckName.FRIENDS,
        Decision.HELD,
        passes=lambda inputs: not inputs.is_mailbox_of_friend,
        needs="referrer_id",
    ),
)
_DECISIONS = {check.name: check.decision for check in CHECKS}


def decide(inputs: Inputs) -> Decision:
    """Return what the first check that fails means, or that the bonuses are due.

    The rules are CONTRACT 2.4, 2.5, 2.8 and 2.10.
    """
    for check in CHECKS:
        if check.decision and check.status(inputs) == Status.FAILED:
            return check.decision
    return Decision.AWARDED


def hold_reason(results: Iterable[CheckResult]) -> str:
    """Return for operators why the bonus is held; empty if nothing speaks against it."""
    failed = (_HOLD_REASONS[one.name] for one in results if _is_held_by(one))
    return next(failed, "")


def _is_held_by(result: CheckResult) -> bool:
    return result.status == Status.FAILED and result.decision == Decision.HELD


_HOLD_REASONS = {
    CheckName.MAILBOX: "both e-mails are one mailbox",
    CheckName.FRIENDS: "an earlier friend of the code has the same mailbox",
}


def better(in_force: Inputs, promised: Inputs) -> Inputs:
    """Return the inputs whose terms bring the two people more (CONTRACT 2.12).

    It may be one set of terms alone under which the purchase is large enough, or under which the
    code has a use left. When both bring the same, the terms in force count, unless they would end
    the offer for nothing: a larger purchase can still bring what sign-up promised.
    """
    if _gain(promised) > _gain(in_force):
        return promised
    ends_it_for_nothing = decide(in_force) in (Decision.CAP_REACHED, Decision.BUDGET_SPENT)
    is_still_open = decide(promised) == Decision.BELOW_MINIMUM
    return promised if ends_it_for_nothing and is_still_open else in_force


def _gain(inputs: Inputs) -> Decimal:
    return inputs.award if decide(inputs) in TAKING_A_USE else Decimal(0)


def evaluate(inputs: Inputs) -> list[CheckResult]:
    """Return the result of every check, also of those after the one that decides."""
    return [check.result(inputs) for check in CHECKS]


def to_json(results: Iterable[CheckResult]) -> list[dict[str, str]]:
    """Return the results as a payment keeps them."""
    return [
        {"name": one.name, "status": one.status, "found": one.found, "required": one.required}
        for one in results
    ]


def from_json(kept: Iterable[Mapping[str, str]]) -> list[CheckResult]:
    """Return the results that a payment keeps."""
    return [
        CheckResult(CheckName(one["name"]), Status(one["status"]), one["found"], one["required"])
        for one in kept
    ]
