"""The pages of the inbox: each event that Stripe sent, and what happened to it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import audit
from accounts.money import dollars_of_cents
from accounts.people import owned_by
from gatewayz.adminbase.changelist import UncountedChangeList
from gatewayz.adminbase.confirmation import selected
from gatewayz.adminbase.filters import DayFilter
from gatewayz.adminbase.formatting import NOTHING, link, moment, page_of
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin, action, row_action
from payments.admin import event_help, formatting
from payments.admin.filters import OutcomeFilter, TypeFilter
from payments.admin.raw_events import readable
from payments.admin.replay import replay, resolve
from payments.event_payments import find_payment_of, payments_by_event
from payments.models import StripeEvent

Outcome = StripeEvent.Outcome


class InboxList(UncountedChangeList):
    """Finds the payment of events without one: a failed event is not linked to its payment."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        unlinked = [event.pk for event in self.result_list if event.payment_id is None]
        found = payments_by_event(StripeEvent.objects.filter(pk__in=unlinked)) if unlinked else {}
        for event in self.result_list:
            event.payment = event.payment or found.get(event.pk)


def _person(event: StripeEvent) -> str:
    return link(event.payment.user) if event.payment else NOTHING


def _purchase(event: StripeEvent) -> str:
    payment = event.payment
    return link(payment, dollars_of_cents(payment.amount)) if payment else NOTHING


column = Columns(StripeEvent)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "trouble", "received", "about")
    list_filter = (OutcomeFilter, TypeFilter, ("received_at", DayFilter))
    exported: ClassVar = {
        "event_id": "event_id",
        "type": "event_type",
        "outcome": "outcome",
        "received_at": "received_at",
        "processed_at": "processed_at",
        "attempts": "attempts",
        "payment": "payment_id",
        "person": "payment__user__username",
    }
    list_select_related = ("payment__user",)
    list_disable_select_all = True
    search_help_text = (
        "Beginning of Stripe's id (evt_…, cs_…, pi_…) or part of the person's name or e-mail"
    )
    actions = ("replay_selected", "resolve_selected")
    actions_detail = ("replay", "resolve", "adjust")
    change_form_outer_before_template = "admin/payments/event_help.html"
    change_form_outer_after_template = "admin/payments/event_body.html"
    fields = (
        ("event_type", "state"),
        ("purchase", "person"),
        ("received_at", "processed_at"),
        ("attempts", "next_attempt"),
        "why",
        "error",
        "error_text",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        events: QuerySet[StripeEvent] = super().get_queryset(request).defer("body")
        return events

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedChangeList]:
        return InboxList

    def found_by(self, term: str) -> list[Q]:
        return [
            Q(event_id__startswith=term),
            Q(payment__session_id__startswith=term),
            Q(payment__payment_intent_id__startswith=term),
            *owned_by(term, "payment__user"),
        ]

    name = column("Event", lambda event: [event.event_type, event.event_id], header=True)
    state = column("Outcome", formatting.outcome)
    trouble = column(
        "Why",
        lambda event: (
            formatting.shortened(formatting.why(event) or formatting.error(event), 100) or NOTHING
        ),
    )
    why = column("Why", lambda event: formatting.why(event) or NOTHING)
    error = column("Last error", lambda event: formatting.error(event) or NOTHING)
    error_text = column("For an engineer", lambda event: formatting.wrapped(event.last_error))
    received = column("Received", lambda event: moment(event.received_at))
    person = column("Person", _person)
    purchase = column("Payment", _purchase)
    about = column("About", lambda event: [_person(event), _purchase(event)], header=True)
    next_attempt = column(
        "Next attempt", lambda event: NOTHING if event.processed_at else moment(event.retry_at)
    )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> StripeEvent | None:
        """Fetch an event with its payment, to which a failed event is not linked."""
        event: StripeEvent | None = super().get_object(request, object_id, from_field)
        if event and event.payment_id is None:
            event.payment = find_payment_of(event)
        return event

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kw: Any
    ) -> HttpResponse:
        context |= {
            "help": event_help.help_with(obj),
            "body": readable(obj),
            "replays": audit.of(obj).select_related("by"),
            "can_replay": self.has_replay_permission(request),
        }
        page: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kw)
        return page

    def has_replay_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("payments.replay_event")

    def offers(self, action: str, request: HttpRequest, row: StripeEvent) -> bool:
        if action == "adjust":
            is_odd = row.outcome in (Outcome.QUARANTINED, Outcome.RESOLVED)
            return is_odd and row.payment is not None and row.payment.user != request.user
        return row.outcome == Outcome.QUARANTINED if action == "resolve" else not row.is_done

    @row_action("Replay…", "replay", "replay")
    def replay(self, request: HttpRequest, event: StripeEvent) -> HttpResponse:
        return replay(self, request, [event], back=page_of(event))

    @action(description="Replay, with one reason for all", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, listed: QuerySet) -> HttpResponse:
        events, back = selected(listed), request.get_full_path()
        return replay(self, request, events, back=back, rows=events)

    @row_action("Resolve…", "task_alt", "replay")
    def resolve(self, request: HttpRequest, event: StripeEvent) -> HttpResponse:
        return resolve(self, request, [event], back=page_of(event))

    @action(description="Resolve, with one reason for all", permissions=["replay"])
    def resolve_selected(self, request: HttpRequest, listed: QuerySet) -> HttpResponse:
        events = selected(listed.filter(outcome=Outcome.QUARANTINED))
        return resolve(self, request, events, back=request.get_full_path(), rows=events)

    @row_action("Adjust balance…", "tune", "accounts.adjust_credits")
    def adjust(self, request: HttpRequest, event: StripeEvent) -> HttpResponse:
        """Lead to the form of an adjustment for the person whom the event is about."""
        if event.payment is None:
            raise Http404
        reason = f"{formatting.why(event).capitalize()} ({event.event_id})"
        query = {"user": f"#{event.payment.user_id}", "reason": reason}
        return redirect(reverse("admin:accounts_adjustment_add", query=query))
