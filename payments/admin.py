"""A plain admin for payments and the inbox of Stripe's events: looks, and changes nothing."""

import json

from django.contrib import admin
from django.db.models import Q

from gatewayz.model_admin import ReadOnlyAdmin
from payments.models import Clawback, Payment, StripeEvent


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "amount", "status", "bonus_decision", "taken_back", "paid_at")
    list_filter = ("status", "bonus_decision")
    list_select_related = ("user",)
    search_help_text = "Stripe's id of the session or payment intent, or the user name, in full"

    def found_by(self, term: str) -> list[Q]:
        return [Q(session_id=term), Q(payment_intent_id=term), Q(user__username=term)]


@admin.register(Clawback)
class ClawbackAdmin(ReadOnlyAdmin):
    list_display = ("stripe_id", "kind", "status", "payment", "amount", "taken", "created_at")
    list_filter = ("kind", "status", ("payment", admin.EmptyFieldListFilter))
    list_select_related = ("payment",)
    search_help_text = "Stripe's id of the refund, dispute or payment intent, in full"

    def found_by(self, term: str) -> list[Q]:
        return [Q(stripe_id=term), Q(payment_intent_id=term)]


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "event_type", "outcome", "reason", "attempts", "received_at")
    list_filter = ("outcome", "event_type")
    search_help_text = "Stripe's id of the event, in full"
    exclude = ("body",)
    readonly_fields = ("content",)

    @admin.display(description="event")
    def content(self, event: StripeEvent) -> str:
        return json.dumps(event.parsed(), indent=2)

    def found_by(self, term: str) -> list[Q]:
        return [Q(event_id=term)]
