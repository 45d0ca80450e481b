"""The words of every answer, for two audiences: operators, and the person who asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from accounts.date_format import moment
from accounts.models import User
from accounts.money import dollars, dollars_of_cents
from payments.explanations.timeline import Timeline, both_sides, reviewer
from payments.models import Clawback, Payment
from referrals.eligibility import CheckName, CheckResult, Decision, Status
from referrals.models import Program, Referral

# The decision on a bonus, as a list shows it.
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
# The checks were made when a purchase was decided, or are made now.
Tense = Mapping[str, str]
THEN: Tense = {"are": "were", "has": "had", "is": "was"}
NOW: Tense = {"are": "are", "has": "has", "is": "is"}


@dataclass(frozen=True)
class Audience:
    """Who reads an answer, and the templates of what they read.

    Each check has a template for when it passes and one for when it fails; a check without any is
    not shown. `without_value` has those for a check that found no value to name.
    """

    checks: Mapping[CheckName, tuple[str, str]]
    award: str
    referees: Mapping[str, str]
    reasons: Mapping[str, str]
    unknown_reason: str
    without_value: Mapping[tuple[CheckName, Status], str] = field(default_factory=dict)


OPERATOR = Audience(
    checks={
        CheckName.TERMS: (
            "The terms from {found} {are} in force: a bonus of {required} in all.",
            "",
        ),
        CheckName.MINIMUM: (
            "The purchase of {found} {is} not below the minimum of {required}.",
            "The purchase of {found} {is} below the minimum of {required};"
            " a later one may still qualify.",
        ),
        CheckName.FIRST: (
            "No earlier purchase {has} qualified.",
            "An earlier purchase {has} qualified.",
        ),
        CheckName.ATTRIBUTED: (
            "The buyer registered with the code {found}.",
            "The buyer registered without a code that counts.",
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
    },
    award="a bonus for both sides, {award} in all",
    referees={
        "pending": "{name} has not made a qualifying purchase yet.",
        "completed": "{name} bought, and both have their bonus.",
        "held": "{name} bought, and the bonus is held: {note}.",
        "reversed": "{name} bought, but the purchase no longer qualifies.",
        "voided": "{name} bought, and the bonus was not granted: {note}",
        "not_counted": "{name} bought, and no bonus was due: {reason}.",
    },
    reasons={
        Decision.REFERRER_GONE: "the referrer's account was not active",
        Decision.SELF_REFERRAL: "the code was the buyer's own",
        Decision.CAP_REACHED: "all uses of the code were taken",
        Decision.BUDGET_SPENT: "the program's budget was spent",
    },
    unknown_reason="the reason was not stored",
    without_value={
        (CheckName.REFERRER, Status.FAILED): "The account of the referrer {is} deleted.",
        (CheckName.BUDGET, Status.PASSED): "The program {has} no budget.",
        (CheckName.BUDGET, Status.FAILED): "Another purchase {has} just taken the last of the"
        " program's budget.",
    },
)
# Of others a person reads the user name and no more: no amount, no time, no check for fraud. Who
# reads here that a bonus would be held could try until it would not.
PERSON = Audience(
    checks={
        CheckName.TERMS: ("The program's terms from {found} {are} in force.", ""),
        CheckName.MINIMUM: (
            "The purchase of {found} {is} enough; the minimum {is} {required}.",
            "The purchase of {found} {is} below the minimum of {required};"
            " a later one may still count.",
        ),
        CheckName.FIRST: (
            "No earlier purchase of yours {has} counted.",
            "An earlier purchase of yours {has} counted.",
        ),
        CheckName.ATTRIBUTED: (
            "You registered with an invitation.",
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
    },
    award="a bonus of {referee_bonus} for you",
    referees={
        "pending": "Your friend {name} has not made a purchase that counts yet.",
        "completed": "Your friend {name} has bought, and you both have your bonus.",
        "held": "Your friend {name} has bought, and the bonus is under review.",
        "reversed": "Your friend {name} has bought, but that purchase no longer counts.",
        "voided": "Your friend {name} has bought, but the bonus was not granted.",
        "not_counted": "Your friend {name} has bought, but without a bonus: {reason}.",
    },
    reasons={
        Decision.REFERRER_GONE: "your account was not active then",
        Decision.CAP_REACHED: "all uses of your code were taken",
        Decision.BUDGET_SPENT: "the program had no more bonuses to give",
    },
    unknown_reason="it did not count",
)
_NOT_CHECKED: Mapping[CheckName, str] = {
    CheckName.REFERRER: "Whether the referrer's account is active",
    CheckName.OTHER: "Whether the referrer is somebody else",
    CheckName.CAP: "Whether the code has a use left",
    CheckName.BUDGET: "Whether the program's budget suffices",
    CheckName.MAILBOX: "Whether the e-mail addresses are two mailboxes",
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
    return [
        CheckLine(result, _of_check(result, audience).format(**_values(result), **tense))
        for result in results
        if result.name in audience.checks
    ]


def _of_check(result: CheckResult, audience: Audience) -> str:
    key = result.name, result.status
    if result.status == Status.NOT_CHECKED:
        return f"{_NOT_CHECKED[result.name]} {{is}} not checked: there {{is}} no referrer."
    if not result.found and key in audience.without_value:
        return audience.without_value[key]
    passed, failed = audience.checks[result.name]
    return passed if result.status == Status.PASSED else failed


def _values(result: CheckResult) -> dict[str, str]:
    amounts = {
        CheckName.TERMS: ("required",),
        CheckName.MINIMUM: ("found", "required"),
        CheckName.BUDGET: ("found", "required"),
    }.get(result.name, ())
    values = {"found": result.found, "required": result.required}
    return {
        name: dollars(Decimal(value)) if value and name in amounts else value
        for name, value in values.items()
    }


def deciding(checks: Iterable[CheckLine], decision: str) -> CheckLine | None:
    """Return the check that made this decision; None for an award."""
    return next((line for line in checks if line.result.decision == decision), None)


def of_what_if(
    amount: Decimal, decision: str, checks: list[CheckLine], terms: Program, audience: Audience
) -> str:
    """Say what a purchase of `amount` US dollars would earn now."""
    award = audience.award.format(
        award=dollars(terms.award), referee_bonus=dollars(terms.referee_bonus)
    )
    line = deciding(checks, decision)
    outcomes = {Decision.AWARDED: award, Decision.HELD: "a bonus that is held for review"}
    outcome = outcomes.get(Decision(decision), "no bonus")
    because = f": {line.clause}" if line else ""
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


def of_own_purchase(payment: Payment, checks: list[CheckLine]) -> str:
    """Say to the buyer why the first purchase that counted brought a bonus or none."""
    if payment.referral is None:
        line = deciding(checks, payment.bonus_decision)
        return f"You got no bonus: {line.clause}." if line else "You got no bonus."
    referral = payment.referral
    return {
        Referral.Status.COMPLETED: f"You got {dollars(referral.referee_bonus_amount)} for "
        f"registering with the invitation of {referral.referrer.username}.",
        Referral.Status.HELD: "Your bonus is under review.",
        Referral.Status.REVERSED: "Your bonus was taken back: its purchase no longer counts.",
        Referral.Status.VOIDED: "Your bonus was not granted.",
    }[Referral.Status(referral.status)]


def of_referee(name: str, state: str, decision: str, note: str, audience: Audience) -> str:
    """Say what became of somebody who registered with a code."""
    reason = audience.reasons.get(decision, audience.unknown_reason)
    return audience.referees[state].format(name=name, reason=reason, note=note)


def of_attribution(user: User, referrer: User | None) -> str:
    """Say to operators whose code a person registered with."""
    if user.referred_by_code is None:
        return (
            "Registered without a code that counts: none was given, or it was refused; "
            "which of both was not stored."
        )
    whose = f" of {referrer.username}" if referrer else ", whose owner's account is deleted"
    return f"Registered with the code {user.referred_by_code}{whose}."
