"""Says what each gate said in a plain sentence: to an operator, and to the person herself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts.money import dollars
from referrals.gates import MEANING, Decision, Gate, Name, Verdict

# What was decided of a bonus, as a list has it.
DECISIONS: Mapping[str, str] = {
    "": "Not paid yet",
    Decision.BELOW_MINIMUM: "No bonus: below the minimum",
    Decision.NOT_FIRST: "No bonus: not the first",
    Decision.NOT_REFERRED: "No bonus: nobody invited",
    Decision.REFERRER_GONE: "No bonus: the inviter is gone",
    Decision.SELF_REFERRAL: "No bonus: own code",
    Decision.CAP_REACHED: "No bonus: the code was used up",
    Decision.BUDGET_SPENT: "No bonus: the budget was spent",
    Decision.HELD: "Bonus held for review",
    Decision.AWARDED: "Bonus paid",
}
# Whether the gates were asked when a purchase was decided, or are asked now.
Tense = Mapping[str, str]
THEN: Tense = {"are": "were", "has": "had", "is": "was"}
NOW: Tense = {"are": "are", "has": "has", "is": "is"}


@dataclass(frozen=True)
class Line:
    """A gate, and the same in words."""

    gate: Gate
    sentence: str

    @property
    def clause(self) -> str:
        """Return the sentence as it goes on after a colon, without the full stop."""
        return self.sentence[0].lower() + self.sentence[1:].removesuffix(".")


_Templates = Mapping[tuple[Name, Verdict], str]
_PASSED, _FAILED = Verdict.PASSED, Verdict.FAILED

_TO_OPERATORS: _Templates = {
    (Name.TERMS, _PASSED): "The terms from {found} {are} in force: a bonus of {required} in all.",
    (Name.MINIMUM, _PASSED): "The purchase of {found} {is} not below the minimum of {required}.",
    (Name.MINIMUM, _FAILED): "The purchase of {found} {is} below the minimum of {required};"
    " a later one may still qualify.",
    (Name.FIRST, _PASSED): "No earlier purchase {has} qualified.",
    (Name.FIRST, _FAILED): "An earlier purchase {has} qualified.",
    (Name.ATTRIBUTED, _PASSED): "The buyer registered with the code {found}.",
    (Name.ATTRIBUTED, _FAILED): "The buyer registered without a code that counts.",
    (Name.REFERRER, _PASSED): "The referrer {found} {has} an active account.",
    (Name.REFERRER, _FAILED): "The account of the referrer {found} {is} deactivated.",
    (Name.OTHER, _PASSED): "The referrer {found} {is} somebody else than the buyer.",
    (Name.OTHER, _FAILED): "The code {is} the buyer's own.",
    (Name.CAP, _PASSED): "{found} of {required} uses of the code {are} taken.",
    (Name.CAP, _FAILED): "{required} uses of the code {are} allowed, and {found} {are} taken.",
    (Name.BUDGET, _PASSED): "{found} {is} left of the program's budget, for {required}.",
    (Name.BUDGET, _FAILED): "Only {found} {is} left of the program's budget, for {required}.",
    (Name.MAILBOX, _PASSED): "Their e-mail addresses {are} two mailboxes.",
    (Name.MAILBOX, Verdict.HELD): "Both e-mail addresses {are} one mailbox.",
}
# The same where there is no value to name.
_TO_OPERATORS_WITHOUT_VALUE: _Templates = {
    (Name.REFERRER, _FAILED): "The account of the referrer {is} deleted.",
    (Name.BUDGET, _PASSED): "The program {has} no budget to keep to.",
    (Name.BUDGET, _FAILED): "The last of the program's budget {has} just gone to somebody else.",
}
# Of others a person reads at most the user name, and of the checks for fraud nothing.
_TO_THE_PERSON: _Templates = {
    (Name.TERMS, _PASSED): "The program's terms from {found} {are} in force.",
    (Name.MINIMUM, _PASSED): "The purchase of {found} {is} enough; the minimum {is} {required}.",
    (Name.MINIMUM, _FAILED): "The purchase of {found} {is} below the minimum of {required};"
    " a later one may still count.",
    (Name.FIRST, _PASSED): "No earlier purchase of yours {has} counted.",
    (Name.FIRST, _FAILED): "An earlier purchase of yours {has} counted.",
    (Name.ATTRIBUTED, _PASSED): "You registered with an invitation.",
    (Name.ATTRIBUTED, _FAILED): "You registered without an invitation that counts.",
    (Name.REFERRER, _PASSED): "The account of {found}, who invited you, {is} active.",
    (Name.REFERRER, _FAILED): "The account of whoever invited you {is} not active.",
    (Name.OTHER, _PASSED): "The invitation {is} somebody else's.",
    (Name.OTHER, _FAILED): "The invitation {is} your own.",
    (Name.CAP, _PASSED): "The invitation {has} uses left.",
    (Name.CAP, _FAILED): "The invitation {has} no use left.",
    (Name.BUDGET, _PASSED): "The program {has} bonuses to give.",
    (Name.BUDGET, _FAILED): "The program {has} no more bonuses to give.",
}
_NOT_ASKED: Mapping[Name, str] = {
    Name.REFERRER: "Whether the referrer's account is active",
    Name.OTHER: "Whether the referrer is somebody else",
    Name.CAP: "Whether the code has a use left",
    Name.BUDGET: "Whether the program's budget suffices",
    Name.MAILBOX: "Whether each has a mailbox",
}


def to_operators(asked: Iterable[Gate], tense: Tense) -> list[Line]:
    """Say what every gate said, with the values."""
    return [Line(gate, _to_operators(gate, tense)) for gate in asked]


def _to_operators(gate: Gate, tense: Tense) -> str:
    key = gate.name, gate.verdict
    if not gate.found and key in _TO_OPERATORS_WITHOUT_VALUE:
        return _filled(_TO_OPERATORS_WITHOUT_VALUE[key], gate, tense)
    return _filled(_template(_TO_OPERATORS, gate), gate, tense)


def to_the_person(asked: Iterable[Gate], tense: Tense) -> list[Line]:
    """Say what a person may know of the gates: whether fraud is suspected is none of it."""
    return [
        Line(gate, _filled(_template(_TO_THE_PERSON, gate), gate, tense))
        for gate in asked
        if gate.name != Name.MAILBOX
    ]


def _template(templates: _Templates, gate: Gate) -> str:
    if gate.verdict == Verdict.NOT_ASKED:
        return f"{_NOT_ASKED[gate.name]} {{is}} not asked: there {{is}} no referrer."
    return templates[gate.name, gate.verdict]


def _filled(template: str, gate: Gate, tense: Tense) -> str:
    required = gate.required if gate.name == Name.CAP else _money(gate.required)
    is_money = gate.name in (Name.MINIMUM, Name.BUDGET)
    found = _money(gate.found) if is_money else gate.found
    return template.format(found=found, required=required, **tense)


def _money(amount: str) -> str:
    return dollars(Decimal(amount)) if amount else ""


def decisive(lines: Iterable[Line], decision: Decision) -> Line | None:
    """Return the line of the gate that made this decision; None for an award."""
    return next((line for line in lines if MEANING.get(line.gate.name) == decision), None)
