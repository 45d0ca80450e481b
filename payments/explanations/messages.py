"""The words of every answer, for two audiences: operators, and the person who asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from accounts.date_format import moment
from accounts.models import User
from accounts.money import dollars, dollars_of_cents
from accounts.preferences import A_FRIEND
from payments.explanations.timeline import Timeline, both_sides, reviewer
from payments.models import Clawback, Payment
from referrals.eligibility import CheckName, CheckResult, Decision, Status
from referrals.models import Program, Referral


class Audience(StrEnum):
    """Who reads an answer."""

    OPERATOR = "operator"
    PERSON = "person"  # of others the user name at most, and of the checks for fraud nothing
    REPLY = "reply"  # the person, in a letter of an operator's: the same, and nobody else is named


# The decision on a bonus, as a list shows it.
DECISIONS: Mapping[str, str] = {
    "": "Not paid yet",
    Decision.BELOW_MINIMUM: "No bonus: below the minimum",
    Decision.NOT_FIRST: "No bonus: not the first",
    Decision.NOT_REFERRED: "No bonus: nobody invited",
    Decision.REFERRER_GONE: "No bonus: the referrer's account was not active",
    Decision.SELF_REFERRAL: "No bonus: the code was the buyer's own",
    Decision.CAP_REACHED: "No bonus: all uses of the code were taken",
    Decision.BUDGET_SPENT: "No bonus: the program's budget was spent",
    Decision.HELD: "Bonus held for review",
    Decision.AWARDED: "Bonus paid",
}
# The checks were made when a purchase was decided, or are made now.
Tense = Mapping[str, str]
THEN: Tense = {"are": "were", "has": "had", "is": "was"}
NOW: Tense = {"are": "are", "has": "has", "is": "is"}

# What each check says when it passes, and when it fails.
_Words = Mapping[CheckName, tuple[str, str]]
_TO_OPERATORS: _Words = {
    CheckName.TERMS: ("The terms from {found} {are} applied: a bonus of {required} in all.", ""),
    CheckName.MINIMUM: (
        "The purchase of {found} {is} not below the minimum of {required}.",
        "The purchase of {found} {is} below the minimum of {required}; a later one may qualify.",
    ),
    CheckName.FIRST: (
        "No earlier purchase {has} qualified.",
        "An earlier purchase {has} qualified.",
    ),
    CheckName.ATTRIBUTED: (
        "The buyer was invited with the code {found}.",
        "The code {found} was claimed after the purchase was paid.",
    ),
    CheckName.REFERRER: (
        "The referrer {found} {has} an active account.",
        "The account of the referrer {found} {is} deactivated.",
    ),
    CheckName.OTHER: (
        "The referrer {found} {is} somebody else than the buyer.",
        "The code {is} the buyer's own.",
    ),
    CheckName.CAP: (
        "{found} of {required} uses of the code {are} taken.",
        "{required} uses of the code {are} allowed, and {found} {are} taken.",
    ),
    CheckName.BUDGET: (
        "{found} {is} left of the program's budget, for {required}.",
        "Only {found} {is} left of the program's budget, for {required}.",
    ),
    CheckName.MAILBOX: (
        "Their e-mail addresses {are} two mailboxes.",
        "Both e-mail addresses {are} one mailbox.",
    ),
    CheckName.FRIENDS: (
        "No earlier friend of the code {has} the buyer's mailbox.",
        "An earlier friend of the code {has} the buyer's mailbox.",
    ),
}
# The same where there is no value to name.
_WITHOUT_VALUE: Mapping[tuple[CheckName, Status], str] = {
    (CheckName.ATTRIBUTED, Status.FAILED): "The buyer registered without a code that counts.",
    (CheckName.REFERRER, Status.FAILED): "The account of the referrer {is} deleted.",
    (CheckName.BUDGET, Status.PASSED): "The program {has} no budget.",
    (CheckName.BUDGET, Status.FAILED): "Another purchase {has} just taken the last of the budget.",
}
# A check that is not among these is not shown: whoever reads that a bonus would be held, and why,
# can try until it would not.
_TO_THE_PERSON: _Words = {
    CheckName.TERMS: _TO_OPERATORS[CheckName.TERMS],
    CheckName.MINIMUM: _TO_OPERATORS[CheckName.MINIMUM],
    CheckName.FIRST: _TO_OPERATORS[CheckName.FIRST],
    CheckName.ATTRIBUTED: (
        "You were invited.",
        "You registered without an invitation that counts.",
    ),
    CheckName.REFERRER: (
        "The account of {found}, who invited you, {is} active.",
        "The account of whoever invited you {is} not active.",
    ),
    CheckName.OTHER: ("The invitation {is} somebody else's.", "The invitation {is} your own."),
    CheckName.CAP: ("The invitation {has} uses left.", "The invitation {has} no use left."),
    CheckName.BUDGET: (
        "The program {has} bonuses to give.",
        "The program {has} no more bonuses to give.",
    ),
}
_IN_A_REPLY: _Words = {
    **_TO_THE_PERSON,
    CheckName.REFERRER: (
        "The account of the friend who invited you {is} active.",
        _TO_THE_PERSON[CheckName.REFERRER][1],
    ),
}
_WORDS: Mapping[Audience, _Words] = {
    Audience.OPERATOR: _TO_OPERATORS,
    Audience.PERSON: _TO_THE_PERSON,
    Audience.REPLY: _IN_A_REPLY,
}
SHOWN_TO_THE_PERSON = tuple(_TO_THE_PERSON)
_NOT_CHECKED: Mapping[CheckName, str] = {
    CheckName.REFERRER: "Whether the referrer's account is active",
    CheckName.OTHER: "Whether the referrer is somebody else",
    CheckName.CAP: "Whether the code has a use left",
    CheckName.BUDGET: "Whether the program's budget suffices",
    CheckName.MAILBOX: "Whether the e-mail addresses are two mailboxes",
    CheckName.FRIENDS: "Whether an earlier friend has the buyer's mailbox",
}
# What became of somebody who registered with a code. Of a friend's purchases a person reads only
# that one counted, or did not: never what it was.
_REFEREES: Mapping[str, str] = {
    "pending": "has not made a qualifying purchase yet.",
    "completed": "has bought, and both sides have their bonus.",
    "held": "has bought, and the bonus is under review{note}.",
    "reversed": "has bought, but the purchase no longer qualifies.",
    "voided": "has bought, but the bonus was not granted{note}.",
    "not_counted": "has bought, but without a bonus: {reason}.",
}


@dataclass(frozen=True)
class CheckLine:
    """The result of a check, and the same in words."""

    result: CheckResult
    sentence: str

    @property
    def clause(self) -> str:
        """Return the sentence as it goes on after a colon, without the full stop."""
        return self.sentence[0].lower() + self.sentence[1:].removesuffix(".")


def of_checks(results: Iterable[CheckResult], audience: Audience, tense: Tense) -> list[CheckLine]:
    """Word the checks that this audience may see."""
    words = _WORDS[audience]
    return [
        CheckLine(result, _template(result, words).format(**_values(result), **tense))
        for result in results
        if result.name in words
    ]


def _template(result: CheckResult, words: _Words) -> str:
    if result.status == Status.NOT_CHECKED:
        return f"{_NOT_CHECKED[result.name]} {{is}} not checked: there {{is}} no referrer."
    key = result.name, result.status
    if words is _TO_OPERATORS and not result.found and key in _WITHOUT_VALUE:
        return _WITHOUT_VALUE[key]
    passed, failed = words[result.name]
    return passed if result.status == Status.PASSED else failed


def _values(result: CheckResult) -> dict[str, str]:
    found, required = result.found, result.required
    if result.name in (CheckName.MINIMUM, CheckName.BUDGET) and found:
        found = dollars(Decimal(found))
    if result.name != CheckName.CAP and required:
        required = dollars(Decimal(required))
    return {"found": found, "required": required}


def deciding(checks: Iterable[CheckLine], decision: str) -> CheckLine | None:
    """Return the check that made this decision; None for an award."""
    failed = (line for line in checks if line.result.status == Status.FAILED)
    return next((line for line in failed if line.result.decision == decision), None)


def of_what_if(
    amount: Decimal, decision: Decision, checks: list[CheckLine], terms: Program, audience: Audience
) -> str:
    """Say what a purchase of `amount` US dollars would earn now."""
    buyer = "the buyer" if audience == Audience.OPERATOR else "you"
    line = deciding(checks, decision)
    because = f": {line.clause}" if line else ""
    outcome = {
        Decision.AWARDED: f"a bonus of {dollars(terms.referee_bonus)} for {buyer}"
        f" and {dollars(terms.referrer_bonus)} for the referrer",
        Decision.HELD: "a bonus that is held for review",
    }.get(decision, "no bonus")
    return f"A purchase of {dollars(amount)} now would earn {outcome}{because}."


def of_purchase(payment: Payment, checks: list[CheckLine], timeline: Timeline) -> str:
    """Say to operators why a purchase earned a bonus or none, and what became of it."""
    if payment.status != Payment.Status.PAID:
        return f"No bonus: the purchase is not paid, but {payment.status}."
    if payment.referral:
        return _of_referral(payment, payment.referral, timeline)
    line = deciding(checks, payment.bonus_decision)
    return f"No bonus: {line.clause if line else payment.bonus_decision.replace('_', ' ')}."


def _of_referral(payment: Payment, referral: Referral, timeline: Timeline) -> str:
    match referral.status:
        case Referral.Status.HELD:
            since = f" since {moment(timeline.held_at)} UTC" if timeline.held_at else ""
            return f"Bonus held: {referral.hold_reason}; waits for review{since}."
        case Referral.Status.VOIDED:
            when = f" on {moment(referral.reviewed_at)} UTC" if referral.reviewed_at else ""
            voided = f"voided by {reviewer(referral)}{when}: {referral.review_note}"
            return f"Bonus not granted: {voided}"
        case Referral.Status.REVERSED:
            cause = _why_reversed(payment, referral)
            if timeline.taken_back_at is None:
                return f"No bonus: it was held, and then {cause}."
            return f"Bonus taken back on {moment(timeline.taken_back_at)} UTC: {cause}."
    return f"Bonus paid: {both_sides(referral)}."


def _why_reversed(payment: Payment, referral: Referral) -> str:
    taking = [clawback for clawback in payment.clawbacks.all() if clawback.takes_back]
    disputes = [clawback for clawback in taking if clawback.kind == Clawback.Kind.DISPUTE]
    if disputes:
        is_open = any(one.status == Clawback.Status.OPEN for one in disputes)
        return f"the purchase is disputed ({'open' if is_open else 'lost'})"
    refunds = "a refund" if len(taking) == 1 else "refunds"
    left = dollars_of_cents(payment.amount - payment.taken_back)
    minimum = dollars(referral.program.minimum_purchase)
    taken = dollars_of_cents(payment.taken_back)
    return f"{refunds} of {taken} left {left}, less than the minimum of {minimum}"


def of_own_purchase(payment: Payment, checks: list[CheckLine], audience: Audience) -> str:
    """Say to the buyer why the first purchase that counted brought a bonus or none."""
    if payment.referral is None:
        line = deciding(checks, payment.bonus_decision)
        return f"You got no bonus: {line.clause}." if line else "You got no bonus."
    referral = payment.referral
    return {
        Referral.Status.COMPLETED: f"You got {dollars(referral.referee_bonus_amount)} for "
        f"the invitation of {name_of_friend(referral.referrer, audience)}.",
        Referral.Status.HELD: "Your bonus is under review.",
        Referral.Status.REVERSED: "Your bonus was taken back: its purchase no longer counts.",
        Referral.Status.VOIDED: "Your bonus was not granted.",
    }[Referral.Status(referral.status)]


def said_as(name: str, audience: Audience) -> str:
    """Return how a sentence begins about somebody who registered with a code."""
    if audience == Audience.OPERATOR:
        return name
    return "A friend of yours" if name == A_FRIEND else f"Your friend {name}"


def of_referee(state: str, decision: str, note: str, audience: Audience) -> str:
    """Say what became of somebody who registered with a code; the name goes before it."""
    reason = "the reason was not stored"
    if decision:
        reason = DECISIONS[decision].removeprefix("No bonus: ")
    is_shown = audience == Audience.OPERATOR and note
    note = f": {note.removesuffix('.')}" if is_shown else ""
    return _REFEREES[state].format(note=note, reason=reason)


def of_too_small(minimum: Decimal) -> str:
    """Say the same of somebody whose purchases were all below the minimum, in US dollars."""
    return f"has bought, but not yet for {dollars(minimum)} or more in one purchase."


def name_of_friend(referrer: User, audience: Audience) -> str:
    """Return the user name of whoever invited the person, unless nobody else is named."""
    return A_FRIEND if audience == Audience.REPLY else referrer.username


def of_attribution(user: User, referrer: User | None) -> str:
    """Say to operators whose code a person registered with, or claimed."""
    if user.referred_by_code is None:
        return (
            "Registered without a code that counts: none was given, or it was refused; "
            "which of both was not stored."
        )
    whose = f" of {referrer.username}" if referrer else ", whose owner's account is deleted"
    if user.claimed_at:
        return f"Claimed the code {user.referred_by_code}{whose} on {moment(user.claimed_at)} UTC."
    return f"Registered with the code {user.referred_by_code}{whose}."


def of_code(uses: int, max_uses: int) -> str:
    """Say how often a person's own code was used."""
    left = max(max_uses - uses, 0)
    return f"{uses} of {max_uses} uses of the code are taken, {left} left."
