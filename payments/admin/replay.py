"""Replays and resolves Stripe events, one or many, after asking for a reason."""

from collections import Counter

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html

from accounts.authentication import operator
from accounts.reason_field import ReasonField, ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm
from gatewayz.adminbase.formatting import NOTHING, link
from gatewayz.adminbase.model_admin import ModelAdmin
from payments import inbox
from payments.admin import formatting
from payments.models import StripeEvent

_TROUBLE = {StripeEvent.Outcome.FAILED, StripeEvent.Outcome.QUARANTINED}


class ReplayForm(ReasonForm):
    """Asks why; one reason for all that are replayed together."""

    reason = ReasonField(help_text="What was fixed? Kept in the audit log, with your name.")


def replay(
    page: ModelAdmin,
    request: HttpRequest,
    events: list[StripeEvent],
    *,
    back: str,
    rows: list[StripeEvent] | None = None,
) -> HttpResponse:
    """Ask for the reason; then replay each event by itself, and report the outcomes."""

    def act(reason: str) -> HttpResponse:
        to_do = [event for event in events if not event.is_done]
        done = [
            inbox.replay(event.event_id, by=operator(request), reason=reason, now=timezone.now())
            for event in to_do
        ]
        _report(request, done, already=len(events) - len(to_do))
        return HttpResponseRedirect(back)

    question = _question(
        "Replay",
        events,
        "Each event is worked on again, by itself.",
        "What was done stays as it is: nobody is credited twice.",
    )
    return confirm(page, request, question, ReplayForm, act, back=back, rows=rows)


def resolve(
    page: ModelAdmin,
    request: HttpRequest,
    events: list[StripeEvent],
    *,
    back: str,
    rows: list[StripeEvent] | None = None,
) -> HttpResponse:
    """Ask for the reason; then close what is quarantined, all of it or nothing."""

    def act(reason: str) -> str:
        with transaction.atomic():
            for event in sorted(events, key=lambda event: event.pk):
                by, now = operator(request), timezone.now()
                inbox.resolve(event.event_id, by=by, reason=reason, now=now)
        return f"Resolved {len(events)}."

    question = _question(
        "Resolve",
        events,
        "It leaves the list of what needs someone, and cannot be replayed any more.",
        "Nobody is credited by it. If somebody is owed something, adjust the balance: the "
        "event's page leads to it.",
    )
    refused = (inbox.NotQuarantinedError,)
    return confirm(page, request, question, ReasonForm, act, back=back, rows=rows, refusals=refused)


def _question(verb: str, events: list[StripeEvent], *consequences: str) -> Question:
    rows = [
        [
            link(event, event.event_id),
            event.event_type,
            formatting.outcome(event),
            "stays as it is" if event.is_done else formatting.why(event) or NOTHING,
        ]
        for event in events
    ]
    return Question(
        title=f"{verb} one event" if len(events) == 1 else f"{verb} {len(events)} events",
        consequences=list(consequences),
        table={"headers": ["Event", "Type", "Outcome", "Why"], "rows": rows},
        button=verb,
        variant="primary",
    )


def _report(request: HttpRequest, replayed: list[StripeEvent], *, already: int) -> None:
    """Say how many events have which outcome, which still need someone, and which were done."""
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
    why = formatting.why(event) or formatting.error(event)
    return format_html("{} {}: {}.", link(event, event.event_id), event.outcome, why)
