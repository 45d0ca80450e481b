"""Formats payments and events for the admin: links, badges and shortened ids."""

from decimal import Decimal
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Cast
from django.utils.html import format_html

from accounts.money import MoneyField, dollars_of_cents
from gatewayz.adminbase.formatting import NOTHING, badge
from payments.explanations.messages import DECISIONS
from payments.models import Clawback, Payment, StripeEvent

Outcome = StripeEvent.Outcome

# Stripe's ids have 30 to 70 characters; the first few tell one from the others.
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
    Outcome.RESOLVED.value: "default",
    Outcome.FAILED.value: "danger",
}


def in_dollars(column: str) -> Cast:
    """Return an expression for the dollars of a column of cents."""
    return Cast(F(column) * Decimal("0.01"), MoneyField())


def decision(payment: Payment) -> str:
    """Return the bonus decision as a badge, in words: `Cap reached`."""
    words = payment.bonus_decision.replace("_", " ").capitalize()
    return badge(words, DECISION_COLOURS.get(words, "")) if words else NOTHING


def shortened(text: str, length: int = ID_SHOWN) -> str:
    """Return the beginning of a long id or address; hovering shows all of it."""
    if len(text) <= length:
        return text
    return format_html('<span title="{}">{}…</span>', text, text[:length])


def wrapped(text: str) -> str:
    """Return text that may break anywhere, so that it stays within its cell."""
    return format_html('<span class="desk-wrapped">{}</span>', text) if text else NOTHING


def at_stripe(stripe_id: str | None, place: str) -> str:
    """Return a Stripe id, in live mode as a link to Stripe's dashboard."""
    if not stripe_id:
        return NOTHING
    if not settings.STRIPE_LIVEMODE:
        return wrapped(stripe_id)
    return external_link(f"https://dashboard.stripe.com/{place}/{stripe_id}", stripe_id)


def external_link(address: str, text: str = "") -> str:
    """Return a link to another site, which opens a new tab; only for http(s)."""
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
# Reasons that are kept as an identifier: a decision, or the status of a refund or dispute.
_REASONS: dict[str, str] = {**DECISIONS, **_CLAWBACKS}


def why(event: StripeEvent) -> str:
    """Return why an event has its outcome, in words."""
    return _REASONS.get(event.reason, event.reason) if event.reason else ""


def outcome(event: StripeEvent) -> str:
    """Return the outcome of an event as a badge."""
    return badge(event.get_outcome_display(), OUTCOME_COLOURS[event.outcome])
