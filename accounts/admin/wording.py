"""How the desk's pages for people say things: words, badges, links, moments."""

from datetime import datetime
from decimal import Decimal

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html

from accounts import api_keys
from accounts.ids import is_id
from accounts.models import Adjustment, LedgerEntry, User
from accounts.money import dollars
from gatewayz import cells
from payments.friends import State
from payments.models import Clawback, Payment
from referrals.gates import Decision
from referrals.models import Referral

NOTHING = "–"
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
DECISIONS = {
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
COLOURS = {
    Referral.Status.COMPLETED: "success",
    Referral.Status.HELD: "warning",
    Referral.Status.REVERSED: "danger",
    Referral.Status.VOIDED: "info",
    Payment.Status.PAID: "success",
    Payment.Status.PENDING: "info",
    Payment.Status.FAILED: "danger",
    Clawback.Status.SUCCEEDED: "danger",
    Clawback.Status.OPEN: "warning",
    Clawback.Status.LOST: "danger",
    Clawback.Status.WON: "success",
    Adjustment.Status.WAITING: "warning",
    Adjustment.Status.POSTED: "success",
    Adjustment.Status.REJECTED: "danger",
    State.PENDING: "info",
    State.NOT_COUNTED: "",
    api_keys.State.IN_USE: "success",
    api_keys.State.ENDING: "warning",
    "active": "success",
    "deactivated": "danger",
    "staff": "primary",
    "superuser": "primary",
}


def badge(word: str) -> str:
    """Return the word in a box whose colour says whether it is good or bad news."""
    return render_to_string(
        "unfold/helpers/label.html",
        {"text": word.replace("_", " "), "variant": COLOURS.get(word, "")},
    )


def link(page: str, pk: int, text: object) -> str:
    """Return a link to a page of the admin, named as in `reverse`."""
    target = reverse(f"admin:{page}", args=[pk])
    return format_html('<a href="{}" class="desk-link">{}</a>', target, text)


def person(user: User | None) -> str:
    """Return the person's name, with the way to the person's page."""
    return link("accounts_user_change", user.pk, user) if user else NOTHING


def money(amount: Decimal) -> str:
    """Return `$10.00`, red if it is less than nothing."""
    colour = "desk-debt" if amount < 0 else ""
    return format_html('<span class="desk-money {}">{}</span>', colour, dollars(amount))


def moment(at: datetime | None) -> str:
    """Return `22 Nov 2026, 17:30`, in UTC."""
    return whole(cells.moment(at)) if at else NOTHING


def day(at: datetime) -> str:
    """Return `22 Nov 2026`, in UTC."""
    return whole(f"{at:%-d %b %Y}")


def whole(text: str) -> str:
    """Return the text in one line, however narrow the column is."""
    return format_html('<span class="desk-whole">{}</span>', text)


def poster(entry: LedgerEntry) -> str:
    """Return the operator who posted the entry, if one did."""
    return person(entry.posted_by) if entry.posted_by else whole("the program")


def cause(entry: LedgerEntry) -> str:
    """Return a link to what the entry came from, or its reference as it is."""
    reference = entry.reference
    kind, _, name = entry.idempotency_key.partition(":payment:")
    if kind == LedgerEntry.Kind.PURCHASE and is_id(name):
        return link("payments_payment_change", int(name), whole(f"payment {name}"))
    if adjustment := getattr(entry, "adjustment", None):
        return link(
            "accounts_adjustment_change", adjustment.pk, whole(f"adjustment {adjustment.pk}")
        )
    subject, _, pk = reference.partition(":")
    if subject == "user" and is_id(pk):
        return link("accounts_user_change", int(pk), whole(f"user {pk}"))
    if reference.startswith(("re_", "pyr_", "dp_", "du_")):
        found = f"{reverse('admin:payments_clawback_changelist')}?q={reference}"
        short = f"{reference[:ID_SHOWN]}…" if len(reference) > ID_SHOWN else reference
        return format_html(
            '<a href="{}" class="desk-link" title="{}">{}</a>', found, reference, short
        )
    return reference or NOTHING
