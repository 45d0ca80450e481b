"""Renders the answer to "why?" for the pages of the desk: in a sentence, by gates, as a story."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import User
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import link, link_to, page_of
from payments.explanations import PaymentAnswer, explain_payments, with_facts
from payments.friends import Friend, State
from payments.models import Payment, PaymentQuerySet
from payments.user_explanations import UserAnswer, explain_user
from referrals.gates import MEANING, Verdict
from referrals.models import Referral
from referrals.sentences import Line


@dataclass(frozen=True)
class Badge:
    """A word with a colour and an icon, so that no one of the three has to be seen."""

    word: str
    tone: str
    icon: str


@dataclass(frozen=True)
class GateRow:
    """A gate as the page shows it."""

    badge: Badge
    sentence: str
    decided: bool


@dataclass(frozen=True)
class FriendRow:
    """A friend as the page shows it."""

    badge: Badge
    link: str


_HELD_ICON = "pause_circle"
_VERDICTS = {
    Verdict.PASSED: Badge("Passed", "success", "check_circle"),
    Verdict.FAILED: Badge("Shut", "danger", "cancel"),
    Verdict.HELD: Badge("Held", "warning", _HELD_ICON),
    Verdict.NOT_ASKED: Badge("Not asked", "default", "remove_circle"),
}
_STATES = {
    state: Badge(word, status_badges.colour(state), icon)
    for state, word, icon in (
        (State.PENDING, "Not yet", "schedule"),
        (State.COMPLETED, "Paid", "check_circle"),
        (State.HELD, "Held", _HELD_ICON),
        (State.REVERSED, "Taken back", "undo"),
        (State.VOIDED, "Not granted", "block"),
        (State.NOT_COUNTED, "No bonus", "do_not_disturb_on"),
    )
}


def about_payment(payment: Payment) -> SafeString:
    """Return the answer about a payment, for its page."""
    return _rendered(Payment.objects.filter(pk=payment.pk))


def about_referral(referral: Referral) -> SafeString:
    """Return the answer about a referral, for its page; empty if no payment made it."""
    return _rendered(Payment.objects.filter(referral=referral))


def _rendered(payments: PaymentQuerySet) -> SafeString:
    told = [_payment(answer) for answer in explain_payments(list(with_facts(payments)))]
    return render_to_string("admin/why.html", {"answers": told})


def about_user(user: User, *, cents: int | None = None) -> SafeString:
    """Return the answer about a person, with what a purchase of `cents` would earn now."""
    answer = explain_user(user, cents=cents, now=timezone.now())
    first, others = answer.purchases[:1], answer.purchases[1:]
    context = {
        "answer": answer,
        "attribution": _attribution(answer),
        "answers": [_payment(purchase) for purchase in first],
        "others": [_payment(purchase) for purchase in others],
        "what_if": answer.what_if,
        "what_if_gates": _gates(answer.what_if.lines, answer.what_if.decision),
        "friends": [_friend(friend) for friend in answer.invitations.friends],
    }
    return render_to_string("admin/why_user.html", context)


def _attribution(answer: UserAnswer) -> str:
    return link(answer.referrer, answer.attribution) if answer.referrer else answer.attribution


def _payment(answer: PaymentAnswer) -> dict[str, object]:
    decision = answer.payment.bonus_decision
    return {
        "badge": _badge(answer.payment),
        "answer": answer,
        "gates": _gates(answer.lines, decision),
        "page": page_of(answer.payment),
        "links": _links(answer.payment),
    }


def _badge(payment: Payment) -> Badge:
    """Return where it stands, in the words of the lists' filters."""
    if payment.referral:
        return replace(_STATES[State(payment.referral.status)], word=payment.referral.status)
    if payment.bonus_decision:
        return replace(_STATES[State.NOT_COUNTED], word=payment.bonus_decision.replace("_", " "))
    return replace(_STATES[State.PENDING], word=payment.status)


def _gates(lines: Iterable[Line], decision: str) -> list[GateRow]:
    return [
        GateRow(
            badge=_VERDICTS[line.gate.verdict],
            sentence=line.sentence,
            decided=MEANING.get(line.gate.name) == decision,
        )
        for line in lines
    ]


def _links(payment: Payment) -> list[str]:
    links = [link(payment, f"Payment {payment.pk}"), link(payment.user)]
    if referral := payment.referral:
        links += [
            link(referral, f"Referral {referral.pk}"),
            link(referral.referrer),
            link(referral.program, f"Terms {referral.program}"),
        ]
    return links


def _friend(friend: Friend) -> FriendRow:
    return FriendRow(
        _STATES[friend.state], link_to("accounts_user_change", friend.user_id, friend.sentence)
    )
