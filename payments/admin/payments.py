"""The pages of payments: who bought what, what it earned, and what Stripe says of it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from accounts import row_ids
from accounts.models import LedgerEntry
from accounts.money import dollars, dollars_of_cents
from accounts.people import owned_by
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import NOTHING, badge, link, moment
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin, display
from payments.admin import formatting
from payments.admin.filters import BuyerReferredFilter, DecisionFilter, PaidFilter
from payments.explanations.admin_rendering import about_purchases
from payments.explanations.timeline import entries_of
from payments.models import Clawback, Payment, StripeEvent
from payments.status_colours import PAYMENTS

# A payment has a few events; repeated deliveries must not make the page endless.
EVENTS_SHOWN = 50


column = Columns(Payment)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = ("id", "person", "price", "state", "bonus_now", "back", "paid")
    linked_by = ("user",)
    list_filter = ("status", DecisionFilter, BuyerReferredFilter, ("paid_at", PaidFilter))
    list_select_related = ("user",)
    sortable_by = ("id",)
    search_help_text = (
        "Beginning of Stripe's id (cs_…, pi_…) or of the person's name or e-mail, or our own number"
    )
    change_form_outer_after_template = "admin/payments/payment.html"
    fieldsets = (
        (
            None,
            {"fields": (("person", "price"), ("status_now", "bonus_now"), ("back", "paid_at"))},
        ),
        (
            "At Stripe",
            {
                # Collapsed, so that the "why" is on the first screen.
                "classes": ["collapse"],
                "fields": (
                    ("session", "intent"),
                    ("checkout", "card_fingerprint"),
                    ("created_at", "completed_at"),
                    ("expires_at", "card_checked_at"),
                    "idempotency_key",
                ),
            },
        ),
    )

    def found_by(self, term: str) -> list[Q]:
        return [
            Q(session_id__startswith=term),
            Q(payment_intent_id__startswith=term),
            *owned_by(term),
            Q(pk=row_ids.parse(term)),
        ]

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        """Within a period, order by day: the index gives the page without sorting the period."""
        within_period = any(map(request.GET.get, ("paid_at_from", "paid_at_to")))
        return ("-paid_at", "-pk") if within_period else ("-pk",)

    person = column("Person", lambda row: link(row.user))
    price = column("Amount", lambda row: formatting.money(row.amount))
    state = column("Status", lambda row: (row.status, row.get_status_display()), label=PAYMENTS)
    paid = column("Paid at", lambda row: moment(row.paid_at))
    status_now = column("Status", status_badges.status_badge)

    @display(description="Bonus, as decided then")
    def bonus_now(self, payment: Payment) -> str:
        words = formatting.decision(payment)
        return badge(words, formatting.DECISION_COLOURS.get(words, "")) if words else NOTHING

    back = column(
        "Taken back",
        lambda row: formatting.money(row.taken_back) if row.taken_back else NOTHING,
    )
    session = column(
        "Checkout session",
        lambda row: formatting.at_stripe(row.session_id, "checkout/sessions"),
    )
    intent = column(
        "Payment intent",
        lambda row: formatting.at_stripe(row.payment_intent_id, "payments"),
    )
    checkout = column("Checkout page", lambda row: formatting.external_link(row.checkout_url))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kw: Any
    ) -> HttpResponse:
        context |= {
            "why": about_purchases(Payment.objects.filter(pk=obj.pk)),
            "tables": _tables(obj),
        }
        page: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kw)
        return page


def _tables(payment: Payment) -> list[dict[str, Any]]:
    """Return the tables of what belongs to a payment."""
    clawbacks = list(payment.clawbacks.order_by("pk"))
    events = payment.stripe_events.defer("body").order_by("-pk")[:EVENTS_SHOWN]
    return [
        _table("Referral", ["Referral", "Referrer", "Bonus", "Status"], _referral(payment)),
        _table(
            "Refunds and disputes",
            ["Stripe's id", "Status", "Amount", "Took", "Since"],
            map(_clawback, clawbacks),
        ),
        _table(
            "Ledger entries",
            ["When", "Person", "What", "Amount", "Balance after"],
            map(_entry, entries_of(payment)),
        ),
        _table(
            "Events from Stripe",
            ["Event", "Type", "Outcome", "Why", "Received"],
            map(_event, events),
        ),
    ]


def _table(title: str, headers: list[str], rows: Any) -> dict[str, Any]:
    return {"title": title, "table": {"headers": headers, "rows": list(rows)}}


def _referral(payment: Payment) -> list[list[Any]]:
    referral = payment.referral
    if referral is None:
        return []
    return [
        [
            link(referral),
            link(referral.referrer),
            dollars(referral.bonus_amount),
            referral.get_status_display(),
        ]
    ]


def _clawback(clawback: Clawback) -> list[Any]:
    return [
        link(clawback),
        status_badges.status_badge(clawback),
        dollars_of_cents(clawback.amount),
        dollars_of_cents(clawback.taken),
        moment(clawback.created_at),
    ]


def _entry(entry: LedgerEntry) -> list[Any]:
    return [
        moment(entry.created_at),
        link(entry.user),
        link(entry, entry.description),
        dollars(entry.amount),
        dollars(entry.balance_after),
    ]


def _event(event: StripeEvent) -> list[Any]:
    return [
        link(event, event.event_id),
        event.event_type,
        formatting.outcome(event),
        formatting.why(event),
        moment(event.received_at),
    ]
