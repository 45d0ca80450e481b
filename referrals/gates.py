"""The gates between a purchase and its bonuses: each is asked, and the first that is shut decides.

What each said is kept with the payment, so that "why?" is answered by what was true then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    BUDGET_SPENT = "budget_spent"  # what is left of the program's budget is less than an award
    HELD = "held"  # it looks like self-dealing; the use is taken, the money waits
    AWARDED = "awarded"  # both sides got their bonus


# With these decisions a purchase is not the one that qualifies; a later one may be the first.
NOT_QUALIFYING = {Decision.BELOW_MINIMUM, Decision.NOT_FIRST}
# With these a use is taken, and the money is paid or set aside.
TAKING_A_USE = {Decision.AWARDED, Decision.HELD}


class Name(StrEnum):
    """What a gate asks, in the order in which they are asked."""

    TERMS = "terms"  # which terms are in force? This one lets everybody through.
    MINIMUM = "minimum"  # is the purchase large enough?
    FIRST = "first"  # did none qualify before?
    ATTRIBUTED = "attributed"  # did the buyer register with somebody's code?
    REFERRER = "referrer"  # is the referrer's account active?
    OTHER = "other"  # is the referrer somebody else?
    CAP = "cap"  # has the code a use left?
    BUDGET = "budget"  # does the program's budget suffice for one more award?
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


@dataclass(slots=True)
class Referrer:
    """Whose code the buyer registered with, as far as the gates look at people."""

    pk: int
    username: str
    email: str
    is_active: bool


@dataclass(slots=True)
class Case:
    """All that the gates look at, in plain values: of a purchase of now, or of long ago."""

    terms: Program
    amount: Decimal
    buyer_id: int
    buyer_email: str
    has_qualified: bool
    code: str | None
    referrer: Referrer | None
    uses: int


_RULES: dict[Name, Callable[[Case], bool]] = {
    Name.MINIMUM: lambda case: case.amount >= case.terms.minimum_purchase,
    Name.FIRST: lambda case: not case.has_qualified,
    Name.ATTRIBUTED: lambda case: case.code is not None,
    Name.REFERRER: lambda case: case.referrer is not None and case.referrer.is_active,
    Name.OTHER: lambda case: case.referrer is None or case.referrer.pk != case.buyer_id,
    Name.CAP: lambda case: case.uses < case.terms.max_uses,
    Name.BUDGET: lambda case: case.terms.left is None or case.terms.left >= case.terms.award,
    Name.MAILBOX: lambda case: (
        case.referrer is None or not mailboxes.is_same(case.buyer_email, case.referrer.email)
    ),
}
_OF_A_REFERRER = {Name.OTHER, Name.CAP, Name.BUDGET, Name.MAILBOX}


def ask(
    *, buyer: User, referrer: User | None, amount: Decimal, terms: Program, uses: int
) -> list[Gate]:
    """Ask every gate about a purchase of `amount` US dollars (CONTRACT 2.4, 2.5, 2.8, 2.10)."""
    case = Case(
        terms=terms,
        amount=amount,
        buyer_id=buyer.pk,
        buyer_email=buyer.email,
        has_qualified=buyer.has_made_first_purchase,
        code=buyer.referred_by_code,
        referrer=None if referrer is None else _referrer(referrer),
        uses=uses,
    )
    evidence = _evidence(case)
    return [Gate(name, _verdict(name, case), *evidence.get(name, ())) for name in Name]


def _referrer(user: User) -> Referrer:
    return Referrer(user.pk, user.username, user.email, user.is_active)


def _verdict(name: Name, case: Case) -> Verdict:
    if case.referrer is None and name in _OF_A_REFERRER:
        return Verdict.NOT_ASKED
    if name == Name.REFERRER and case.code is None:
        return Verdict.NOT_ASKED
    if name not in _RULES or _RULES[name](case):
        return Verdict.PASSED
    return Verdict.HELD if name == Name.MAILBOX else Verdict.FAILED


def _evidence(case: Case) -> dict[Name, tuple[str, str]]:
    """Return what each gate found, and what it was held against."""
    terms, referrer = case.terms, case.referrer
    found = {
        Name.TERMS: (f"{terms.starts_at:%Y-%m-%d}", f"{terms.award:.2f}"),
        Name.MINIMUM: (f"{case.amount:.2f}", f"{terms.minimum_purchase:.2f}"),
        Name.ATTRIBUTED: (case.code or "", ""),
    }
    if referrer:
        found[Name.REFERRER] = found[Name.OTHER] = (referrer.username, "")
        found[Name.CAP] = (str(case.uses), str(terms.max_uses))
        if terms.left is not None:
            found[Name.BUDGET] = (f"{terms.left:.2f}", f"{terms.award:.2f}")
    return found


def decide_on(case: Case) -> Decision:
    """Return the decision alone, as soon as a gate is shut: for many purchases."""
    return next(
        (MEANING[name] for name, passes in _RULES.items() if not passes(case)), Decision.AWARDED
    )


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
