"""How the desk's pages for people say what an entry is, and where it came from."""

from decimal import Decimal

from django.urls import reverse
from django.utils.html import format_html

from accounts.ids import is_id
from accounts.models import LedgerEntry
from accounts.money import dollars
from gatewayz.cells import NOTHING, link, link_to, whole
from payments.finding import OF_CLAWBACKS, place_of

# Enough of one of Stripe's ids to tell it from the others.
ID_SHOWN = 16
KINDS = {
    LedgerEntry.Kind.PURCHASE: "Purchase",
    LedgerEntry.Kind.REFERRER_BONUS: "Bonus for inviting",
    LedgerEntry.Kind.REFEREE_BONUS: "Bonus for being invited",
    LedgerEntry.Kind.REFUND: "Refund",
    LedgerEntry.Kind.DISPUTE: "Dispute",
    LedgerEntry.Kind.ADJUSTMENT: "Adjustment",
    LedgerEntry.Kind.REVERSAL: "Reversal",
}


def money(amount: Decimal) -> str:
    """Return `$10.00`, red if it is less than nothing."""
    colour = "desk-debt" if amount < 0 else ""
    return format_html('<span class="desk-money {}">{}</span>', colour, dollars(amount))


def poster(entry: LedgerEntry) -> str:
    """Return the operator who posted the entry, if one did."""
    return link(entry.posted_by) if entry.posted_by else whole("the program")


def cause(entry: LedgerEntry) -> str:
    """Return a link to what the entry came from, or its reference as it is."""
    reference = entry.reference
    kind, _, name = entry.idempotency_key.partition(":payment:")
    if kind == LedgerEntry.Kind.PURCHASE and is_id(name):
        return link_to("payments_payment_change", int(name), whole(f"payment {name}"))
    if adjustment := getattr(entry, "adjustment", None):
        return link(adjustment, whole(f"adjustment {adjustment.pk}"))
    subject, _, pk = reference.partition(":")
    if subject == "user" and is_id(pk):
        return link_to("accounts_user_change", int(pk), whole(f"user {pk}"))
    if place_of(reference) == OF_CLAWBACKS:
        found = f"{reverse('admin:payments_clawback_changelist')}?q={reference}"
        short = f"{reference[:ID_SHOWN]}…" if len(reference) > ID_SHOWN else reference
        return format_html(
            '<a href="{}" class="desk-link" title="{}">{}</a>', found, reference, short
        )
    return reference or NOTHING
