"""The filters of the lists about Stripe: each is served by an index of the table."""

from typing import ClassVar

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from gatewayz.adminbase.filters import ConditionFilter, DayFilter, one_of, yes_or_no
from payments.inbox import HANDLERS, is_possible_outcome
from payments.models import Payment, StripeEvent
from payments.reports.action_items import OVERDUE_AFTER
from referrals.eligibility import NOT_QUALIFYING, Decision

Outcome = StripeEvent.Outcome


class DecisionFilter(ConditionFilter):
    title = "bonus decision"
    parameter_name = "bonus_decision"
    conditions: ClassVar = {
        "qualifying": (
            "First qualifying purchase",
            Q(bonus_decision__in=set(Decision) - NOT_QUALIFYING),
        ),
        **one_of("bonus_decision", Decision),
    }


class BuyerReferredFilter(ConditionFilter):
    title = "buyer referred by a code"
    parameter_name = "referred"
    conditions = yes_or_no("user__referred_by_code")


class PurchaseFilter(ConditionFilter):
    """Refunds and disputes that arrived before their purchase, and wait for it."""

    title = parameter_name = "purchase"
    conditions: ClassVar = {"waiting": ("Not known yet", Q(payment=None))}


class OutcomeFilter(ConditionFilter):
    """What became of an event; first, those that need someone."""

    title = parameter_name = "outcome"
    conditions: ClassVar = {
        # Two conditions, each with an index of these rows only.
        "needs_someone": ("Needs someone", Q(processed_at=None) | Q(outcome=Outcome.QUARANTINED)),
        "overdue": (
            "Unprocessed for 5 minutes",
            Q(
                processed_at=None,
                outcome=Outcome.RECEIVED,
                received_at__lt=Now() - OVERDUE_AFTER,
            ),
        ),
        **one_of("outcome", Outcome.values),
        # With `processed_at` the small index of unprocessed events serves these.
        "received": ("Received", Q(processed_at=None, outcome=Outcome.RECEIVED)),
        "failed": ("Failed", Q(processed_at=None, outcome=Outcome.FAILED)),
    }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        outcome = self.value() or ""
        event_type = request.GET.get(TypeFilter.parameter_name, "")
        is_a_pair = outcome in Outcome.values and event_type in HANDLERS
        if is_a_pair and not is_possible_outcome(event_type, outcome):
            # PostgreSQL would search the whole table for a first one.
            return queryset.none()
        return super().queryset(request, queryset)


class TypeFilter(ConditionFilter):
    """The event types that we handle; all others are ignored."""

    title = "type"
    parameter_name = "event_type"
    conditions: ClassVar = {name: (name, Q(event_type=name)) for name in HANDLERS}


class PaidFilter(DayFilter):
    """Paid on these days."""

    def indexed(self, queryset: QuerySet) -> QuerySet:
        # Redundant, but for the index, which holds only what is paid.
        return queryset.filter(status=Payment.Status.PAID)
