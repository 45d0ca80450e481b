"""The filters of the lists about Stripe: each is served by an index of the table."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from gatewayz.adminbase.day_filter import DayFilter
from payments.inbox import HANDLERS, is_possible_outcome
from payments.models import Clawback, Payment, StripeEvent
from referrals.eligibility import Decision

Outcome = StripeEvent.Outcome
NEEDS_SOMEONE = "needs_someone"


class ByColumn(DropdownFilter):
    """Rows with one value in one column."""

    column: ClassVar[str]
    values: ClassVar[list[str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value.replace("_", " ").capitalize()) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        return queryset.filter(**{self.column: value}) if value in self.values else queryset


class StatusFilter(ByColumn):
    title = parameter_name = column = "status"
    values = Payment.Status.values


class DecisionFilter(ByColumn):
    title = "bonus decision"
    parameter_name = column = "bonus_decision"
    values: ClassVar = [decision.value for decision in Decision]


class KindFilter(ByColumn):
    title = parameter_name = column = "kind"
    values = Clawback.Kind.values


class ClawbackStatusFilter(ByColumn):
    title = parameter_name = column = "status"
    values = Clawback.Status.values


class PurchaseFilter(DropdownFilter):
    """Those that came before their purchase, and wait for it."""

    title = "purchase"
    parameter_name = "purchase"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Not known yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(payment=None) if self.value() == "waiting" else queryset


class OutcomeFilter(ByColumn):
    """What became of an event; first, those that need someone."""

    title = parameter_name = column = "outcome"
    values = Outcome.values

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        words = super().lookups(request, model_admin)
        return [(NEEDS_SOMEONE, "Needs someone"), *words]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        outcome, event_type = self.value(), request.GET.get(TypeFilter.parameter_name)
        if outcome == NEEDS_SOMEONE:
            # Two conditions, each with an index that holds no more than these.
            return queryset.filter(Q(processed_at=None) | Q(outcome=Outcome.QUARANTINED))
        if outcome and event_type in HANDLERS and not is_possible_outcome(event_type, outcome):
            # PostgreSQL would look for the first of them all through the table.
            return queryset.none()
        if outcome in (Outcome.RECEIVED, Outcome.FAILED):
            queryset = queryset.filter(processed_at=None)
        return super().queryset(request, queryset)


class TypeFilter(ByColumn):
    """The types that mean something to us; the rest is what was ignored."""

    title = "type"
    parameter_name = column = "event_type"
    values: ClassVar = list(HANDLERS)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self.values]


class PaidFilter(DayFilter):
    """Paid on these days."""

    def indexed(self, queryset: QuerySet) -> QuerySet:
        # It goes without saying, but for the index, which holds what is paid.
        return queryset.filter(status=Payment.Status.PAID)
