"""What the desk's pages about Stripe show in a cell: links, badges and ids that fit."""

from urllib.parse import urlsplit

from django.conf import settings
from django.utils.html import format_html

from accounts.money import dollars_of_cents
from gatewayz.adminbase.formatting import NOTHING, badge
from payments.explanations.messages import DECISIONS
from payments.models import Clawback, Payment, StripeEvent

Outcome = StripeEvent.Outcome

# What Stripe calls a thing is 30 to 70 characters long; a few of them tell it from the others.
ID_SHOWN = 22
URL_SHOWN = 48

DECISION_COLOURS = {
    "Awarded": "success",
    "Held": "warning",
    "Budget spent": "danger",
    "Cap reached": "info",
    "Referrer gone": "info",
    "Self referral": "warning",
}
OUTCOME_COLOURS = {
    Outcome.RECEIVED.value: "info",
    Outcome.SETTLED.value: "success",
    Outcome.REPEATED.value: "default",
    Outcome.APPLIED.value: "success",
    Outcome.DEFERRED.value: "info",
    Outcome.WAITING.value: "info",
    Outcome.CLOSED.value: "default",
    Outcome.IGNORED.value: "default",
    Outcome.QUARANTINED.value: "warning",
    Outcome.FAILED.value: "danger",
}


def decided(payment: Payment) -> str:
    """Return the bonus decision in words: `Cap reached`."""
    return payment.bonus_decision.replace("_", " ").capitalize()


def shortened(text: str, length: int = ID_SHOWN) -> str:
    """Return the beginning of a long id or address, with the whole of it to hover over."""
    if len(text) <= length:
        return text
    return format_html('<span title="{}">{}…</span>', text, text[:length])


def wrapped(text: str) -> str:
    """Return text that breaks anywhere rather than run out of its place."""
    return format_html('<span class="desk-wrapped">{}</span>', text) if text else NOTHING


def at_stripe(stripe_id: str | None, place: str) -> str:
    """Return an id of Stripe's, with a way to Stripe's own dashboard where there is one."""
    if not stripe_id:
        return NOTHING
    if not settings.STRIPE_LIVEMODE:
        return wrapped(stripe_id)
    return away(f"https://dashboard.stripe.com/{place}/{stripe_id}", stripe_id)


def away(address: str, text: str = "") -> str:
    """Return a link that leaves the desk, in a tab of its own; only to the web."""
    text = text or address
    if urlsplit(address).scheme not in ("http", "https"):
        return shortened(text, URL_SHOWN) or NOTHING
    return format_html(
        '<a class="desk-link" href="{}" title="{}" target="_blank"'
        ' rel="noopener noreferrer">{}</a>',
        address,
        address,
        text if len(text) <= URL_SHOWN else f"{text[:URL_SHOWN]}…",
    )


def money(cents: int) -> str:
    """Return `$10.00`, in one line."""
    return format_html('<span class="desk-money">{}</span>', dollars_of_cents(cents))


_CLAWBACKS: dict[str, str] = {
    Clawback.Status.PENDING: "Stripe has not decided: nothing is taken back",
    Clawback.Status.SUCCEEDED: "The refund succeeded: it is taken back",
    Clawback.Status.FAILED: "The refund failed: nothing is taken back",
    Clawback.Status.OPEN: "The dispute is open: it is taken back until that is decided",
    Clawback.Status.DISMISSED: "The inquiry was dismissed: nothing is taken back",
    Clawback.Status.LOST: "The dispute is lost: it is taken back",
    Clawback.Status.WON: "The dispute is won: nothing is taken back",
}
# What is kept as a word of the program: a decision of ours, or where a refund or dispute stands.
_REASONS: dict[str, str] = {**DECISIONS, **_CLAWBACKS}


def why(event: StripeEvent) -> str:
    """Return why an event has its outcome, in words."""
    return _REASONS.get(event.reason, event.reason) if event.reason else ""


def outcome(event: StripeEvent) -> str:
    """Return the badge of what became of an event."""
    return badge(event.get_outcome_display(), OUTCOME_COLOURS[event.outcome])
