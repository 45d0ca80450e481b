"""The page that replays events of Stripe's, one or many, with the reason of whoever does it."""

from collections import Counter
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.authentication import operator
from accounts.models import User
from accounts.reason_field import ReasonField
from gatewayz.adminbase.confirmation import Question, ask
from gatewayz.adminbase.formatting import NOTHING, link
from gatewayz.adminbase.model_admin import ModelAdmin
from gatewayz.adminbase.selection import chosen
from payments import inbox
from payments.admin import formatting
from payments.models import StripeEvent

_TROUBLE = {StripeEvent.Outcome.FAILED, StripeEvent.Outcome.QUARANTINED}


class ReplayForm(forms.Form):
    """Why; one reason for all that are replayed together."""

    reason = ReasonField(
        help_text="What was put right? It is kept in the audit log, with your name."
    )


def answer(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Ask for the reason; then replay each event by itself, and tell what came of them."""
    events = chosen(request, StripeEvent.objects.defer("body"))
    whence = _whence(request, events)
    if not events:
        messages.warning(request, "No events were chosen.")
        return HttpResponseRedirect(whence)
    form = ReplayForm(request.POST or None)
    if not form.is_valid():
        return ask(page, request, _question(events), form, back=whence)
    reason = form.cleaned_data["reason"]
    to_do = [event for event in events if not event.is_done]
    done = [_replay(event, by=operator(request), reason=reason) for event in to_do]
    _tell(request, done, already=len(events) - len(to_do))
    return HttpResponseRedirect(whence)


def _question(events: list[StripeEvent]) -> Question:
    return Question(
        title="Replay one event" if len(events) == 1 else f"Replay {len(events)} events",
        consequences=[
            "Each event is worked on again, by itself.",
            "What was done stays as it is: nobody is credited twice.",
        ],
        table=_table(events),
        button="Replay",
        variant="primary",
    )


def _table(events: list[StripeEvent]) -> dict[str, Any]:
    rows = [
        [
            link(event, event.event_id),
            event.event_type,
            formatting.outcome(event),
            "stays as it is" if event.is_done else formatting.why(event) or NOTHING,
        ]
        for event in events
    ]
    return {"headers": ["Event", "Type", "Outcome", "Why"], "rows": rows}


def _whence(request: HttpRequest, events: list[StripeEvent]) -> str:
    """Return the event's page, or the list as it was filtered."""
    if len(events) == 1:
        return reverse("admin:payments_stripeevent_change", args=[events[0].pk])
    listed = QueryDict(request.GET.get("listed", ""))
    return reverse("admin:payments_stripeevent_changelist", query=listed)


def _replay(event: StripeEvent, *, by: User, reason: str) -> StripeEvent:
    return inbox.replay(event.event_id, by=by, reason=reason, now=timezone.now())


def _tell(request: HttpRequest, replayed: list[StripeEvent], *, already: int) -> None:
    """Say how many came to what, which are still in trouble and why, and which needed nothing."""
    if replayed:
        counted = Counter(event.outcome for event in replayed)
        came = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.items()))
        troubled = [event for event in replayed if event.outcome in _TROUBLE]
        say = messages.warning if troubled else messages.success
        say(request, f"Replayed {len(replayed)}: {came}.")
        for event in troubled:
            messages.warning(request, _trouble(event))
    if already:
        which = "It was" if not replayed and already == 1 else f"{already} were"
        messages.info(request, f"{which} done already, so nothing was done.")


def _trouble(event: StripeEvent) -> str:
    why = formatting.why(event) or event.last_error
    return format_html("{} {}: {}.", link(event, event.event_id), event.outcome, why)
