"""Explains to an operator what happened to a Stripe event, and what to do about it."""

from dataclasses import dataclass

from gatewayz.adminbase.formatting import moment
from payments.admin.formatting import why
from payments.models import StripeEvent

Outcome = StripeEvent.Outcome


@dataclass(frozen=True)
class EventHelp:
    """What happened to an event, and what can be done."""

    happened: str
    advice: str


_NOTHING_TO_DO = "Nothing needs to be done."

_HAPPENED = {
    Outcome.RECEIVED: "Received, and not worked on yet. Nothing was credited.",
    Outcome.FAILED: "Failed {times}: an error on our side. Nothing of it was credited or taken "
    "back.",
    Outcome.SETTLED: "Settled: the purchase was credited, once. {why}.",
    Outcome.REPEATED: "Repeated: {why}. Nothing was credited again.",
    Outcome.APPLIED: "Applied: the ledger follows this refund or dispute. {why}.",
    Outcome.DEFERRED: "Deferred: the purchase is not known yet. Nothing was taken back.",
    Outcome.WAITING: "Waiting: checkout is complete, the money is on its way. Nothing is credited.",
    Outcome.CLOSED: "Closed: the purchase was not paid. Nothing was credited.",
    Outcome.IGNORED: "Ignored: it means nothing to us, or is about another program's purchase.",
    Outcome.QUARANTINED: "Quarantined: {why}. Nothing was credited.",
    Outcome.RESOLVED: "Resolved by an operator. It was quarantined: {why}. Nothing was credited.",
}

_ADVICE = {
    Outcome.RECEIVED: "It is attempted by itself at {next}. If it is still here after that, "
    "the worker does not run: tell an engineer.",
    Outcome.FAILED: "It is attempted again by itself, next at {next}. Show an engineer the "
    "last error; once the error is fixed, you may replay it at once.",
    Outcome.DEFERRED: "It is applied by itself when the purchase settles. After 30 days without "
    "one it is ignored: then it is another program's.",
    Outcome.WAITING: "Another event says whether the money has arrived.",
    Outcome.IGNORED: "Replay it only if the program has been taught to handle this type since.",
}

# What to do about each kind of quarantine, by the beginning of its reason.
_QUARANTINE_ADVICE = {
    "the amount of the session": "Stripe was paid another amount than we asked for. "
    "Compare the session at Stripe with our payment; what the person is owed is an adjustment of "
    "credits.",
    "the amount of the refund": "Stripe named another amount when we first heard of this "
    "refund, and that one is taken back. Compare the refund at Stripe with ours, and show both to "
    "an engineer.",
    "no payment of ours": "The session was not made by us, or for a purchase that has another "
    "session: a payment link, or another system on this Stripe account. If a customer of ours "
    "paid it, refund it at Stripe or adjust credits.",
    "livemode ": "A test event reached the live system, or a live one a test system. Check which "
    "mode the webhook at Stripe is for; there is nothing to credit here.",
    "payment_status ": "Stripe does not say that it is paid. When it is, another event says so.",
    "not the object that we know": "The webhook at Stripe may send another API version than the "
    "program speaks. Set the version there, let an engineer look, then replay it.",
    "user_id in metadata": "The session names another person than our payment. Nobody may be "
    "credited by it until an engineer knows why.",
}


_CLOSING = "Once it is taken care of, resolve it."


def help_with(event: StripeEvent) -> EventHelp:
    """Return the explanation of an event, by its outcome and the reason that was kept."""
    outcome = Outcome(event.outcome)
    known = {
        "why": why(event) or "no reason was kept",
        "times": "once" if event.attempts == 1 else f"{event.attempts} times",
        "next": moment(event.retry_at),
    }
    advice = _ADVICE.get(outcome, _NOTHING_TO_DO)
    if outcome == Outcome.QUARANTINED:
        advice = _about_quarantine(event.reason)
    return EventHelp(_HAPPENED[outcome].format(**known), advice.format(**known))


def _about_quarantine(reason: str) -> str:
    for beginning, advice in _QUARANTINE_ADVICE.items():
        if reason.startswith(beginning):
            return f"{advice} {_CLOSING}"
    return f"Compare the event with our payment. Replay it when the cause is fixed. {_CLOSING}"
