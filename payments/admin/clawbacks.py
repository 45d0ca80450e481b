"""The pages of refunds and disputes: what each takes back of its purchase."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import F, Q

from accounts.money import dollars_of_cents
from accounts.people import owned_by
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.filters import DayFilter
from gatewayz.adminbase.formatting import NOTHING, link, moment
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin
from payments.admin import formatting
from payments.admin.filters import PurchaseFilter
from payments.models import Clawback

column = Columns(Clawback)


@admin.register(Clawback)
class ClawbackAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = ("name", "state", "price", "took", "purchase", "person", "since")
    list_filter = ("kind", "status", PurchaseFilter, ("created_at", DayFilter))
    summed = (F("amount"), dollars_of_cents)
    exported: ClassVar = {
        "stripe_id": "stripe_id",
        "created_at": "created_at",
        "kind": "kind",
        "status": "status",
        "amount": formatting.in_dollars("amount"),
        "takes_back": formatting.in_dollars("taken"),
        "person": "payment__user__username",
        "payment": "payment_id",
        "payment_intent_id": "payment_intent_id",
    }
    list_select_related = ("payment__user",)
    search_help_text = (
        "Beginning of Stripe's id (re_…, dp_…, pi_…) or part of the person's name or e-mail"
    )
    fields = (
        ("kind", "state"),
        ("person", "purchase"),
        ("price", "took"),
        ("at_stripe", "intent"),
        ("entry", "since"),
    )

    def found_by(self, term: str) -> list[Q]:
        return [
            Q(stripe_id__startswith=term),
            Q(payment_intent_id__startswith=term),
            *owned_by(term, "payment__user"),
        ]

    name = column(
        "Refund or dispute",
        lambda row: [row.get_kind_display(), formatting.shortened(row.stripe_id)],
        header=True,
    )
    state = column("Status", status_badges.status_badge)
    price = column("Amount", lambda row: formatting.money(row.amount))
    took = column("Takes back now", lambda row: formatting.money(row.taken))
    purchase = column(
        "Purchase",
        lambda row: link(row.payment) if row.payment else "Waits for its purchase",
    )
    person = column("Person", lambda row: link(row.payment.user) if row.payment else NOTHING)
    intent = column(
        "Payment intent",
        lambda row: formatting.at_stripe(row.payment_intent_id, "payments"),
    )
    at_stripe = column(
        "Stripe's id",
        lambda row: formatting.at_stripe(row.stripe_id, f"{row.kind}s"),
    )
    entry = column(
        "Ledger entry", lambda row: link(row.ledger_entry, f"entry {row.ledger_entry_id}")
    )
    since = column("Since", lambda row: moment(row.created_at))
