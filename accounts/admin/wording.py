"""How the desk's pages for people say what an entry is, and where it came from."""

from decimal import Decimal

from django.urls import reverse
from django.utils.html import format_html

from accounts.models import LedgerEntry
from accounts.money import dollars
from accounts.operator_models import COMMAND_LINE
from accounts.row_ids import is_id
from gatewayz.adminbase.formatting import NOTHING, link, link_to, whole
from payments.search import CLAWBACK_LOOKUP, lookup_of

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
_TAKEN_BACK = {
    LedgerEntry.Kind.REFERRER_BONUS: "Bonus taken back",
    LedgerEntry.Kind.REFEREE_BONUS: "Bonus taken back",
    LedgerEntry.Kind.REFUND: "Refund undone",
    LedgerEntry.Kind.DISPUTE: "Dispute undone",
    LedgerEntry.Kind.ADJUSTMENT: "Adjustment taken back",
}
# What an entry's words need, fetched along.
TOLD_WITH = ("posted_by", "adjustment", "reverses__adjustment")


def money(amount: Decimal) -> str:
    """Return `$10.00`, red if it is less than nothing."""
    colour = "desk-debt" if amount < 0 else ""
    return format_html('<span class="desk-money {}">{}</span>', colour, dollars(amount))


def kind(entry: LedgerEntry) -> str:
    """Return what an entry is; of a reversal, what it takes back."""
    undone = entry.reverses and _TAKEN_BACK.get(LedgerEntry.Kind(entry.reverses.kind))
    return undone or KINDS[LedgerEntry.Kind(entry.kind)]


def poster(entry: LedgerEntry) -> str:
    """Return who posted the entry; adjustments alone are posted on the command line."""
    if entry.posted_by:
        return link(entry.posted_by)
    by_hand = LedgerEntry.Kind.ADJUSTMENT in (entry.kind, entry.reverses and entry.reverses.kind)
    return whole(COMMAND_LINE if by_hand else "the program")


def _other_side(bonus: LedgerEntry, pk: str) -> str:
    """Return what the bonus says of the other person: a name or a code, which is its last word."""
    said = bonus.description.split()
    return whole(said[-1]) if said else f"user {pk}"


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
        return link_to("accounts_user_change", int(pk), _other_side(entry.reverses or entry, pk))
    if lookup_of(reference) == CLAWBACK_LOOKUP:
        found = f"{reverse('admin:payments_clawback_changelist')}?q={reference}"
        short = f"{reference[:ID_SHOWN]}…" if len(reference) > ID_SHOWN else reference
        return format_html(
            '<a href="{}" class="desk-link" title="{}">{}</a>', found, reference, short
        )
    return reference or NOTHING
