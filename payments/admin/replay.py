"""The page that replays events of Stripe's, one or many, with the reason of whoever does it."""

from collections import Counter
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from gatewayz.cells import NOTHING, link
from gatewayz.chosen import chosen
from gatewayz.model_admin import ModelAdmin, operator
from gatewayz.reasons import Question, ReasonField, ask
from payments import inbox
from payments.admin import cells
from payments.models import StripeEvent

DONE_ALREADY = "done already"


class ReplayForm(forms.Form):
    """Why; one reason for all that are replayed together."""

    reason = ReasonField(
        help_text="What was put right? It is kept in the audit log, with your name."
    )


def answer(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Ask for the reason; then replay each event by itself, and tell what came of them."""
    events = chosen(request, StripeEvent.objects.defer("body"))
    whence = _whence(events)
    if not events:
        messages.warning(request, "No events were chosen.")
        return HttpResponseRedirect(whence)
    form = ReplayForm(request.POST or None)
    if not form.is_valid():
        return ask(page, request, _question(events), form, back=whence)
    reason = form.cleaned_data["reason"]
    _tell(request, [_replay(event, by=operator(request), reason=reason) for event in events])
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
            cells.outcome(event),
            "stays as it is" if event.is_done else cells.why(event) or NOTHING,
        ]
        for event in events
    ]
    return {"headers": ["Event", "Type", "Outcome", "Why"], "rows": rows}


def _whence(events: list[StripeEvent]) -> str:
    if len(events) == 1:
        return reverse("admin:payments_stripeevent_change", args=[events[0].pk])
    return reverse("admin:payments_stripeevent_changelist")


def _replay(event: StripeEvent, *, by: User, reason: str) -> str:
    """Replay one event and return what came of it."""
    if event.is_done:
        return DONE_ALREADY
    return inbox.replay(event.event_id, by=by, reason=reason, now=timezone.now()).outcome


def _tell(request: HttpRequest, outcomes: list[str]) -> None:
    counted = Counter(outcomes)
    done_already = counted.pop(DONE_ALREADY, 0)
    if counted:
        came = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.items()))
        trouble = counted.keys() & {StripeEvent.Outcome.FAILED, StripeEvent.Outcome.QUARANTINED}
        say = messages.warning if trouble else messages.success
        say(request, f"Replayed {counted.total()}: {came}.")
    if done_already:
        which = "It was" if len(outcomes) == 1 else f"{done_already} were"
        messages.info(request, f"{which} done already, so nothing was done.")
