"""`manage.py replay_events`"""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.audit import ReasonMissingError
from gatewayz.cli import output
from gatewayz.cli.progress import progress
from payments import inbox
from payments.models import StripeEvent


@dataclass(frozen=True)
class Replayed:
    """The result of replaying an event."""

    event_id: str
    event_type: str
    outcome: str
    reason: str


class Command(BaseCommand):
    help = "Processes Stripe events again: the given ones, or all unprocessed ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="evt_…", help="ids of events")
        parser.add_argument(
            "--failed", action="store_true", help="all events that failed or were never processed"
        )
        parser.add_argument(
            "--reason",
            default="Requested on the command line",
            help="the reason for the audit log",
        )
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["ids"]) == options["failed"]:
            raise CommandError("Give event ids, or --failed.")
        left = StripeEvent.objects.filter(processed_at=None).order_by("pk")
        event_ids = options["ids"] or list(left.values_list("event_id", flat=True))
        replayed = self._replay_all(event_ids, options["reason"])
        failed = sum(event.outcome == StripeEvent.Outcome.FAILED for event in replayed)
        if replayed or options["format"] != "table":
            output.write(replayed, Replayed, self.stdout, options["format"])
        if options["format"] == "table":
            count = output.counted(len(replayed), "event")
            self.stdout.write(f"{count} replayed, {failed} failed.")
        if failed:
            count = output.counted(failed, "event")
            raise CommandError(
                f"{count} failed again. The admin shows the last error of each event."
            )

    def _replay_all(self, event_ids: list[str], reason: str) -> list[Replayed]:
        replayed = []
        with progress("events", len(event_ids), out=self.stdout) as advance:
            for event_id in event_ids:
                replayed.append(_replay(event_id, reason))
                advance()
        return replayed


def _replay(event_id: str, reason: str) -> Replayed:
    try:
        event = inbox.replay(event_id, by=None, reason=reason, now=timezone.now())
    except StripeEvent.DoesNotExist:
        raise CommandError(f"There is no event {event_id}.") from None
    except ReasonMissingError as refusal:
        raise CommandError(f"Nothing was replayed: {refusal}.") from None
    return Replayed(event.event_id, event.event_type, event.outcome, event.reason)
