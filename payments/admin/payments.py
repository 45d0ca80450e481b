"""The pages of payments: who bought what, what it earned, and what Stripe says of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse

from accounts import row_ids
from accounts.money import dollars, dollars_of_cents
from accounts.people import owned_by
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import NOTHING, link, moment
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin
from payments.admin import formatting
from payments.admin.filters import BuyerReferredFilter, DecisionFilter, PaidFilter
from payments.explanations.admin_rendering import about_purchases
from payments.explanations.timeline import entries_of
from payments.models import Payment

# A payment has a few events; repeated deliveries must not make the page endless.
EVENTS_SHOWN = 50
# The headers of a table, each with what it shows of a row.
_Columns = Mapping[str, Callable[[Any], Any]]

column = Columns(Payment)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = ("id", "person", "price", "state", "bonus_now", "back", "paid")
    linked_by = ("user",)
    list_filter = ("status", DecisionFilter, BuyerReferredFilter, ("paid_at", PaidFilter))
    summed = (F("amount"), dollars_of_cents)
    exported: ClassVar = {
        "id": "pk",
        "created_at": "created_at",
        "paid_at": "paid_at",
        "person": "user__username",
        "amount": formatting.in_dollars("amount"),
        "status": "status",
        "bonus_decision": "bonus_decision",
        "taken_back": formatting.in_dollars("taken_back"),
        "session_id": "session_id",
        "payment_intent_id": "payment_intent_id",
    }
    list_select_related = ("user", "referral")
    sortable_by = ("id",)
    search_help_text = (
        "Beginning of Stripe's id (cs_…, pi_…), part of the person's name or e-mail, or our number"
    )
    change_form_outer_after_template = "admin/payments/payment.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("person", "price"),
                    ("state", "bonus_now"),
                    ("back", "bonus_then"),
                    "paid_at",
                )
            },
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
            Q(pk=row_ids.typed(term)),
        ]

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        """Within a period, order by day: the index gives the page without sorting the period."""
        within_period = any(map(request.GET.get, ("paid_at_from", "paid_at_to")))
        return ("-paid_at", "-pk") if within_period else ("-pk",)

    person = column("Person", lambda row: link(row.user))
    price = column("Amount", lambda row: formatting.money(row.amount))
    state = column("Status", status_badges.status_badge)
    paid = column("Paid at", lambda row: moment(row.paid_at))
    bonus_now = column("Bonus", formatting.bonus)
    bonus_then = column("Decided when it was paid", formatting.decision)
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
    referrals = [payment.referral] if payment.referral else []
    clawbacks = payment.clawbacks.order_by("pk")
    events = payment.stripe_events.defer("body").order_by("-pk")[:EVENTS_SHOWN]
    return [
        _table("Referral", _REFERRAL, referrals),
        _table("Refunds and disputes", _CLAWBACK, clawbacks),
        _table("Ledger entries", _ENTRY, entries_of(payment)),
        _table("Events from Stripe", _EVENT, events),
    ]


def _table(title: str, columns: _Columns, rows: Iterable[Any]) -> dict[str, Any]:
    cells = [[value(row) for value in columns.values()] for row in rows]
    return {"title": title, "table": {"headers": list(columns), "rows": cells}}


_REFERRAL: _Columns = {
    "Referral": link,
    "Referrer": lambda referral: link(referral.referrer),
    "Bonus": lambda referral: dollars(referral.bonus_amount),
    "Status": lambda referral: referral.get_status_display(),
}
_CLAWBACK: _Columns = {
    "Stripe's id": link,
    "Status": status_badges.status_badge,
    "Amount": lambda clawback: dollars_of_cents(clawback.amount),
    "Took": lambda clawback: dollars_of_cents(clawback.taken),
    "Since": lambda clawback: moment(clawback.created_at),
}
_ENTRY: _Columns = {
    "When": lambda entry: moment(entry.created_at),
    "Person": lambda entry: link(entry.user),
    "What": lambda entry: link(entry, entry.description),
    "Amount": lambda entry: dollars(entry.amount),
    "Balance after": lambda entry: dollars(entry.balance_after),
}
_EVENT: _Columns = {
    "Event": lambda event: link(event, event.event_id),
    "Type": lambda event: event.event_type,
    "Outcome": formatting.outcome,
    "Why": formatting.why,
    "Received": lambda event: moment(event.received_at),
}
