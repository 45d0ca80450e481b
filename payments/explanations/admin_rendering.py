"""Renders answers for the admin's pages: as a sentence, check by check, and as a timeline."""

from collections.abc import Iterator

from django.forms import Form
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import User
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import badge, link, link_to, page_of
from payments.explanations import messages
from payments.explanations.answers import (
    Answer,
    PurchaseAnswer,
    explain_person,
    explain_purchases,
)
from payments.explanations.messages import Audience
from payments.explanations.referees import State
from payments.models import Payment, PaymentQuerySet
from referrals.eligibility import CheckResult, Decision, Status

# Each has a word, a colour and an icon, so that each of the three is enough to tell it.
_HELD_ICON = "pause_circle"
_CHECKS = {
    Status.PASSED: ("Passed", "success", "check_circle"),
    Status.FAILED: ("Failed", "danger", "cancel"),
    Status.NOT_CHECKED: ("Not checked", "default", "remove_circle"),
}
_STATES = {
    State.PENDING: ("Not yet", "schedule"),
    State.COMPLETED: ("Paid", "check_circle"),
    State.HELD: ("Held", _HELD_ICON),
    State.REVERSED: ("Taken back", "undo"),
    State.VOIDED: ("Not granted", "block"),
    State.NOT_COUNTED: ("No bonus", "do_not_disturb_on"),
}


def about_purchases(payments: PaymentQuerySet) -> SafeString:
    answers = [_purchase(answer) for answer in explain_purchases(payments)]
    return render_to_string("admin/why.html", {"answers": answers})


def about_person(user: User, *, cents: int | None = None, form: Form | None = None) -> SafeString:
    """Return the answer about a person, and what a purchase of `cents` would earn now.

    `form` asks how large that purchase is, if one may ask.
    """
    answer = explain_person(user, Audience.OPERATOR, cents=cents, now=timezone.now())
    purchases = [_purchase(purchase) for purchase in answer.purchases]
    said = answer.attribution
    context = {
        "user": user,
        "answer": answer,
        "form": form,
        "attribution": link(answer.referrer, said) if answer.referrer else said,
        "answers": purchases[:1],
        "others": purchases[1:],
        "what_if_checks": _checks(answer.what_if),
        "referees": [
            (_of_state(one.state), link_to("accounts_user_change", one.user_id, one.sentence))
            for one in answer.referees
        ],
    }
    return render_to_string("admin/why_user.html", context)


def _purchase(answer: PurchaseAnswer) -> dict[str, object]:
    return {
        "badge": _of_purchase(answer.payment),
        "answer": answer,
        "checks": _checks(answer),
        "page": page_of(answer.payment),
        "links": list(_links(answer.payment)),
    }


def _of_purchase(payment: Payment) -> str:
    """Return what became of it, in the words of the lists' filters."""
    if payment.referral:
        return _of_state(State(payment.referral.status), payment.referral.status)
    if payment.bonus_decision:
        return _of_state(State.NOT_COUNTED, payment.bonus_decision.replace("_", " "))
    return _of_state(State.PENDING, payment.status)


def _of_state(state: State, other_word: str = "") -> str:
    word, icon = _STATES[state]
    return badge(other_word or word, status_badges.COLOURS[state], icon)


def _checks(answer: Answer) -> list[tuple[str, str, bool]]:
    """Return each check with its badge, its sentence, and whether it decided."""
    deciding = messages.deciding(answer.checks, answer.decision)
    return [(_of_check(line.result), line.sentence, line is deciding) for line in answer.checks]


def _of_check(result: CheckResult) -> str:
    if result.status == Status.FAILED and result.decision == Decision.HELD:
        return badge("Held", "warning", _HELD_ICON)
    return badge(*_CHECKS[result.status])


def _links(payment: Payment) -> Iterator[str]:
    yield link(payment, f"Payment {payment.pk}")
    yield link(payment.user)
    if referral := payment.referral:
        yield link(referral, f"Referral {referral.pk}")
        yield link(referral.referrer)
        yield link(referral.program, f"Terms {referral.program}")
