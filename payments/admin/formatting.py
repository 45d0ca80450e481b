"""Formats payments and events for the admin: links, badges and shortened ids."""

import re
from decimal import Decimal
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Cast
from django.utils.html import format_html

from accounts.money import MoneyField, dollars_of_cents
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import NOTHING, badge
from payments.explanations.messages import DECISIONS
from payments.models import Clawback, Payment, StripeEvent

Outcome = StripeEvent.Outcome

# Stripe's ids have 30 to 70 characters; the first few tell one from the others.
ID_SHOWN = 22
STRIPE = "https://api.stripe.com"
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


def bonus(payment: Payment) -> str:
    """Return what the bonus is now: the status of the referral, or why there is none."""
    return status_badges.status_badge(payment.referral) if payment.referral else decision(payment)


def shortened(text: str, length: int = ID_SHOWN) -> str:
    """Return the beginning of a long id or address; hovering shows all of it."""
    if len(text) <= length:
        return text
    return format_html('<span title="{}">{}…</span>', text, text[:length])


def wrapped(text: str) -> str:
    """Return text that may break anywhere, so that it stays within its cell."""
    return format_html('<span class="desk-wrapped">{}</span>', text) if text else NOTHING


def at_stripe(stripe_id: str | None, place: str) -> str:
    """Return a Stripe id as a link to Stripe's dashboard; the sandbox has none."""
    if not stripe_id:
        return NOTHING
    if settings.STRIPE_API_BASE != STRIPE:
        return wrapped(stripe_id)
    mode = "" if settings.STRIPE_LIVEMODE else "test/"
    return external_link(f"https://dashboard.stripe.com/{mode}{place}/{stripe_id}", stripe_id)


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


# The beginning of an error's name, and what it means.
_ERRORS = {
    "IntegrityError": "The database refused it: a rule of the books would be broken",
    "DataError": "The database cannot store one of its values",
    "OperationalError": "The database was away, too busy or too slow",
    "QuarantinedError": "It contradicts our record",
}
_CONSTRAINT = re.compile(r'constraint \\*"(\w+)', re.ASCII)


def error(event: StripeEvent) -> str:
    """Return the last error in words, with the rule that the database names."""
    name = event.last_error.partition("(")[0]
    words = _ERRORS.get(name, "Our program failed on it" if event.last_error else "")
    rule = _CONSTRAINT.search(event.last_error)
    return f"{words} ({rule[1].replace('_', ' ')})" if rule else words


def outcome(event: StripeEvent) -> str:
    return badge(event.get_outcome_display(), OUTCOME_COLOURS[event.outcome])
