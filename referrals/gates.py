"""The gates between a purchase and its bonuses: each is asked, and the first that is shut decides.

What each said is kept with the payment, so that "why?" is answered by what was true then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum

from accounts import mailboxes
from accounts.models import User
from referrals.models import Program


class Decision(StrEnum):
    """What a purchase meant for the bonus: the first gate that it did not pass, or the award."""

    BELOW_MINIMUM = "below_minimum"  # less than the terms' minimum; a later one may qualify
    NOT_FIRST = "not_first"  # an earlier purchase qualified
    NOT_REFERRED = "not_referred"  # registered without a code
    REFERRER_GONE = "referrer_gone"  # the referrer was deactivated or deleted
    SELF_REFERRAL = "self_referral"  # the code is the buyer's own
    CAP_REACHED = "cap_reached"  # the code has no use left
    BUDGET_SPENT = "budget_spent"  # what is left of the programme's budget is less than an award
    HELD = "held"  # it looks like self-dealing; the use is taken, the money waits
    AWARDED = "awarded"  # both sides got their bonus


class Name(StrEnum):
    """What a gate asks, in the order in which they are asked."""

    TERMS = "terms"  # which terms are in force? This one lets everybody through.
    MINIMUM = "minimum"  # is the purchase large enough?
    FIRST = "first"  # did none qualify before?
    ATTRIBUTED = "attributed"  # did the buyer register with somebody's code?
    REFERRER = "referrer"  # is the referrer's account active?
    OTHER = "other"  # is the referrer somebody else?
    CAP = "cap"  # has the code a use left?
    BUDGET = "budget"  # does the programme's budget suffice for one more award?
    MAILBOX = "mailbox"  # have the two of them a mailbox each?


class Verdict(StrEnum):
    """What a gate said."""

    PASSED = "passed"
    FAILED = "failed"
    HELD = "held"  # taken in, but for an operator to look at
    NOT_ASKED = "not_asked"  # makes no sense without what an earlier gate asks for


# What it means when a gate does not let a purchase pass.
MEANING = {
    Name.MINIMUM: Decision.BELOW_MINIMUM,
    Name.FIRST: Decision.NOT_FIRST,
    Name.ATTRIBUTED: Decision.NOT_REFERRED,
    Name.REFERRER: Decision.REFERRER_GONE,
    Name.OTHER: Decision.SELF_REFERRAL,
    Name.CAP: Decision.CAP_REACHED,
    Name.BUDGET: Decision.BUDGET_SPENT,
    Name.MAILBOX: Decision.HELD,
}


@dataclass(frozen=True)
class Gate:
    """One question: what was found, what it was held against, and the verdict."""

    name: Name
    verdict: Verdict
    found: str = ""
    required: str = ""


def ask(
    *, buyer: User, referrer: User | None, amount: Decimal, terms: Program, uses: int
) -> list[Gate]:
    """Ask every gate about a purchase of `amount` US dollars (CONTRACT 2.4, 2.5, 2.8, 2.10)."""
    is_referred = buyer.referred_by_code is not None
    return [
        Gate(Name.TERMS, Verdict.PASSED, f"{terms.starts_at:%Y-%m-%d}", f"{terms.award:.2f}"),
        _gate(
            Name.MINIMUM,
            amount >= terms.minimum_purchase,
            f"{amount:.2f}",
            f"{terms.minimum_purchase:.2f}",
        ),
        _gate(Name.FIRST, not buyer.has_made_first_purchase),
        _gate(Name.ATTRIBUTED, is_referred, buyer.referred_by_code or ""),
        *_ask_about_referrer(buyer, referrer, terms=terms, uses=uses, is_referred=is_referred),
    ]


def _ask_about_referrer(
    buyer: User, referrer: User | None, *, terms: Program, uses: int, is_referred: bool
) -> Iterable[Gate]:
    if referrer is None:
        gone = Verdict.FAILED if is_referred else Verdict.NOT_ASKED
        yield Gate(Name.REFERRER, gone)
        for name in (Name.OTHER, Name.CAP, Name.BUDGET, Name.MAILBOX):
            yield Gate(name, Verdict.NOT_ASKED)
        return
    yield _gate(Name.REFERRER, referrer.is_active, referrer.username)
    yield _gate(Name.OTHER, referrer.pk != buyer.pk, referrer.username)
    yield _gate(Name.CAP, uses < terms.max_uses, str(uses), str(terms.max_uses))
    yield _ask_budget(terms)
    is_one = mailboxes.is_same(buyer.email, referrer.email)
    yield Gate(Name.MAILBOX, Verdict.HELD if is_one else Verdict.PASSED)


def _gate(name: Name, passes: bool, found: str = "", required: str = "") -> Gate:
    return Gate(name, Verdict.PASSED if passes else Verdict.FAILED, found, required)


def _ask_budget(terms: Program) -> Gate:
    if terms.budget is None:
        return Gate(Name.BUDGET, Verdict.PASSED)
    left = terms.budget - terms.reserved
    return _gate(Name.BUDGET, left >= terms.award, f"{left:.2f}", f"{terms.award:.2f}")


def decide(gates: Sequence[Gate]) -> Decision:
    """Return what the first gate that is not open means, or that the bonuses are due."""
    for gate in gates:
        if gate.verdict in (Verdict.FAILED, Verdict.HELD):
            return MEANING[gate.name]
    return Decision.AWARDED


def shut(gates: Sequence[Gate], name: Name) -> list[Gate]:
    """Return the gates with this one shut: somebody was faster."""
    return [
        Gate(name, Verdict.FAILED, "", gate.required) if gate.name == name else gate
        for gate in gates
    ]


def written(gates: Iterable[Gate]) -> list[dict[str, str]]:
    """Return the gates as a payment keeps them."""
    return [asdict(gate) for gate in gates]


def read(kept: Iterable[Mapping[str, str]]) -> list[Gate]:
    """Return the gates that a payment keeps."""
    return [
        Gate(Name(gate["name"]), Verdict(gate["verdict"]), gate["found"], gate["required"])
        for gate in kept
    ]
