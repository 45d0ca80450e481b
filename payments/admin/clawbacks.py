"""The pages of refunds and disputes: what each takes back of its purchase."""

from django.contrib import admin
from django.db.models import Q

from accounts.money import dollars
from accounts.people import owned_by
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import NOTHING, link, moment
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, display
from payments.admin import cells
from payments.admin.filters import ClawbackStatusFilter, KindFilter, PurchaseFilter
from payments.models import Clawback
from payments.status_colours import CLAWBACKS


@admin.register(Clawback)
class ClawbackAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = ("name", "state", "price", "took", "purchase", "person", "since")
    list_filter = (KindFilter, ClawbackStatusFilter, PurchaseFilter)
    list_select_related = ("payment__user",)
    search_help_text = (
        "Beginning of Stripe's id (re_…, dp_…, pi_…) or of the person's name or e-mail"
    )
    readonly_fields = (
        "person",
        "purchase",
        "price",
        "took",
        "status_now",
        "intent",
        "entry",
        "at_stripe",
        "since",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("kind", "status_now"),
                    ("person", "purchase"),
                    ("price", "took"),
                    ("at_stripe", "intent"),
                    ("entry", "since"),
                )
            },
        ),
    )

    def found_by(self, term: str) -> list[Q]:
        return [
            Q(stripe_id__startswith=term),
            Q(payment_intent_id__startswith=term),
            *owned_by(term, "payment__user"),
        ]

    @display(description="Refund or dispute", header=True)
    def name(self, clawback: Clawback) -> list[str]:
        return [clawback.get_kind_display(), cells.shortened(clawback.stripe_id)]

    @display(description="Status", label=CLAWBACKS)
    def state(self, clawback: Clawback) -> tuple[str, str]:
        return clawback.status, clawback.get_status_display()

    @display(description="Status")
    def status_now(self, clawback: Clawback) -> str:
        return status_badges.status_badge(clawback)

    @display(description="Amount")
    def price(self, clawback: Clawback) -> str:
        return cells.money(clawback.amount)

    @display(description="Takes back now")
    def took(self, clawback: Clawback) -> str:
        return cells.money(clawback.taken)

    @display(description="Purchase")
    def purchase(self, clawback: Clawback) -> str:
        return link(clawback.payment) if clawback.payment else "Waits for its purchase"

    @display(description="Person")
    def person(self, clawback: Clawback) -> str:
        return link(clawback.payment.user) if clawback.payment else NOTHING

    @display(description="Payment intent")
    def intent(self, clawback: Clawback) -> str:
        return cells.at_stripe(clawback.payment_intent_id, "payments")

    @display(description="Stripe's id")
    def at_stripe(self, clawback: Clawback) -> str:
        place = "disputes" if clawback.kind == Clawback.Kind.DISPUTE else "refunds"
        return cells.at_stripe(clawback.stripe_id, place)

    @display(description="Ledger entry")
    def entry(self, clawback: Clawback) -> str:
        entry = clawback.ledger_entry
        return (
            link(entry, f"{dollars(entry.amount)} of {moment(entry.created_at)}")
            if entry
            else NOTHING
        )

    @display(description="Since")
    def since(self, clawback: Clawback) -> str:
        return moment(clawback.created_at)
