"""A plain admin for payments and the inbox of Stripe's events: looks, and changes nothing."""

import json

from django.contrib import admin

from gatewayz.model_admin import ReadOnlyAdmin
from payments.models import Clawback, Payment, StripeEvent


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "amount", "status", "bonus_decision", "taken_back", "paid_at")
    list_filter = ("status", "bonus_decision")
    list_select_related = ("user",)
    search_fields = ("session_id", "payment_intent_id", "user__username")
    ordering = ("-pk",)


@admin.register(Clawback)
class ClawbackAdmin(ReadOnlyAdmin):
    list_display = ("stripe_id", "kind", "status", "payment", "amount", "taken", "created_at")
    list_filter = ("kind", "status", ("payment", admin.EmptyFieldListFilter))
    list_select_related = ("payment",)
    search_fields = ("stripe_id", "payment_intent_id")
    ordering = ("-pk",)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "event_type", "outcome", "reason", "attempts", "received_at")
    list_filter = ("outcome", "event_type")
    search_fields = ("event_id",)
    ordering = ("-pk",)
    exclude = ("body",)
    readonly_fields = ("content",)

    @admin.display(description="event")
    def content(self, event: StripeEvent) -> str:
        return json.dumps(event.parsed(), indent=2)
