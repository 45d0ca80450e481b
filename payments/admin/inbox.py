"""The pages of Stripe's inbox: what came, and what became of it."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from accounts import audit
from accounts.money import dollars_of_cents
from accounts.people import owned_by
from gatewayz.adminbase.formatting import NOTHING, link, moment
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, SteppingChangeList, action, display
from gatewayz.adminbase.selection import page_for
from payments.admin import cells, replay, stories
from payments.admin.filters import OutcomeFilter, TypeFilter
from payments.admin.raw_events import readable
from payments.event_payments import find_payment_of, payments_by_event
from payments.models import StripeEvent


class InboxList(SteppingChangeList):
    """A page of events, each with what it is about: one that failed is linked to no payment."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        unlinked = [event.pk for event in self.result_list if event.payment_id is None]
        found = payments_by_event(StripeEvent.objects.filter(pk__in=unlinked)) if unlinked else {}
        for event in self.result_list:
            event.payment = event.payment or found.get(event.pk)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "trouble", "received", "about")
    list_filter = (OutcomeFilter, TypeFilter)
    list_select_related = ("payment__user",)
    list_disable_select_all = True
    search_help_text = (
        "Beginning of Stripe's id (evt_…, cs_…, pi_…) or of the person's name or e-mail"
    )
    actions = ("replay_selected",)
    change_form_outer_before_template = "admin/payments/event_story.html"
    change_form_outer_after_template = "admin/payments/event_body.html"
    readonly_fields = ("became", "why", "purchase", "person", "error", "next_attempt")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("event_type", "became"),
                    ("purchase", "person"),
                    ("received_at", "processed_at"),
                    ("attempts", "next_attempt"),
                    "why",
                    "error",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        events: QuerySet[StripeEvent] = super().get_queryset(request).defer("body")
        return events

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SteppingChangeList]:
        return InboxList

    def found_by(self, term: str) -> list[Q]:
        return [
            Q(event_id__startswith=term),
            Q(payment__session_id__startswith=term),
            Q(payment__payment_intent_id__startswith=term),
            *owned_by(term, "payment__user"),
        ]

    @display(description="Event", header=True)
    def name(self, event: StripeEvent) -> list[str]:
        return [event.event_type, event.event_id]

    @display(description="Outcome", label=cells.OUTCOME_COLOURS)
    def state(self, event: StripeEvent) -> tuple[str, str]:
        return event.outcome, event.get_outcome_display()

    @display(description="Outcome")
    def became(self, event: StripeEvent) -> str:
        return cells.outcome(event)

    @display(description="Why")
    def trouble(self, event: StripeEvent) -> str:
        return cells.shortened(cells.why(event) or event.last_error, 100) or NOTHING

    @display(description="Why")
    def why(self, event: StripeEvent) -> str:
        return cells.why(event) or NOTHING

    @display(description="Last error")
    def error(self, event: StripeEvent) -> str:
        return cells.wrapped(event.last_error)

    @display(description="Received")
    def received(self, event: StripeEvent) -> str:
        return moment(event.received_at)

    @display(description="Payment")
    def purchase(self, event: StripeEvent) -> str:
        return (
            link(event.payment, dollars_of_cents(event.payment.amount))
            if event.payment
            else NOTHING
        )

    @display(description="About", header=True)
    def about(self, event: StripeEvent) -> list[str]:
        return [self.person(event), self.purchase(event)]

    @display(description="Person")
    def person(self, event: StripeEvent) -> str:
        return link(event.payment.user) if event.payment else NOTHING

    @display(description="Next attempt")
    def next_attempt(self, event: StripeEvent) -> str:
        return NOTHING if event.processed_at else moment(event.retry_at)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> StripeEvent | None:
        """Fetch an event with what it is about, which one that failed is not linked to."""
        event: StripeEvent | None = super().get_object(request, object_id, from_field)
        if event and event.payment_id is None:
            event.payment = find_payment_of(event)
        return event

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kw: Any
    ) -> HttpResponse:
        context |= {
            "story": stories.told(obj),
            "body": readable(obj),
            "replays": audit.of(obj).select_related("by"),
            "can_replay": self.has_replay_permission(request),
            "replay_page": page_for("payments_stripeevent_replay", [obj.pk]),
        }
        page: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kw)
        return page

    def has_replay_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("payments.replay_event")

    @action(description="Replay, with one reason for all", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, events: QuerySet) -> HttpResponse:
        chosen = events.values_list("pk", flat=True)
        return HttpResponseRedirect(
            page_for("payments_stripeevent_replay", chosen, listed=request.GET.urlencode())
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.replay_view)
        return [path("replay/", view, name="payments_stripeevent_replay"), *super().get_urls()]

    def replay_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_replay_permission(request):
            raise PermissionDenied
        return replay.answer(self, request)
