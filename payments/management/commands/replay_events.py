"""`manage.py replay_events`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments import inbox
from payments.models import StripeEvent


class Command(BaseCommand):
    help = "Attempts events of Stripe's again: these, or all that are left unprocessed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="evt_…", help="ids of events")
        parser.add_argument(
            "--failed", action="store_true", help="all that failed or were never finished"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["ids"]) == options["failed"]:
            raise CommandError("Name the events, or say --failed.")
        events = [self._replay(event_id) for event_id in options["ids"] or _unprocessed()]
        failed = sum(event.processed_at is None for event in events)
        self.stdout.write(f"{len(events)} events replayed, {failed} failed.")
        if failed:
            raise CommandError(f"{failed} events failed again; see their last_error.")

    def _replay(self, event_id: str) -> StripeEvent:
        try:
            event = inbox.replay(event_id, now=timezone.now())
        except StripeEvent.DoesNotExist:
            raise CommandError(f"There is no event {event_id}.") from None
        self.stdout.write(f"{event_id}  {event.event_type}  {event.outcome}  {event.reason}")
        return event


def _unprocessed() -> list[str]:
    left = StripeEvent.objects.filter(processed_at=None).order_by("pk")
    return list(left.values_list("event_id", flat=True))
