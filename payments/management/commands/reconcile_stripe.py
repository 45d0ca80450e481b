"""`manage.py reconcile_stripe`"""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import audit
from gatewayz.cli import output
from gatewayz.cli.progress import progress
from payments import reconciliation
from payments.models import StripeEvent
from payments.stripe_gateway import StripeRefusedError, StripeUnavailableError


def moment(text: str) -> datetime:
    """Parse a date or a date and time, in UTC unless the text has an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is not a date like 2026-11-22 or 2026-11-22T14:00"
        ) from error
    return found.replace(tzinfo=UTC) if timezone.is_naive(found) else found.astimezone(UTC)


@dataclass(frozen=True)
class Reconciled:
    """Something that Stripe has and we do not, how to resolve it, and the outcome."""

    stripe_id: str
    difference: str
    remedy: str
    outcome: str


class Command(BaseCommand):
    help = "Lists what Stripe has and we do not; resolves it with --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, help="default: three days ago")
        parser.add_argument("--apply", action="store_true", help="resolve the differences")
        parser.add_argument(
            "--reason",
            default="Requested on the command line",
            help="with --apply: the reason for the audit log",
        )
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        since = options["since"] or now - timedelta(days=3)
        if options["apply"]:
            _record(options["reason"], since=since, now=now)
        found: list[Reconciled] = []
        try:
            with progress("Asking Stripe", out=self.stdout):
                for one in reconciliation.differences(since=since):
                    done = options["apply"] and reconciliation.resolve(one, now=timezone.now())
                    found.append(Reconciled(one.stripe_id, one.difference, one.remedy, done or ""))
        except (StripeUnavailableError, StripeRefusedError) as error:
            count = output.counted(len(found), "difference")
            raise CommandError(f"Stripe: {error} ({count} until then)") from error
        finally:
            if found or options["format"] != "table":
                output.write(found, Reconciled, self.stdout, options["format"])
        if options["format"] == "table":
            self._print_summary(len(found), since, is_applied=options["apply"])

    def _print_summary(self, count: int, since: datetime, *, is_applied: bool) -> None:
        counted = output.counted(count, "difference")
        self.stdout.write(f"{counted} since {since:%Y-%m-%d %H:%M} UTC.")
        if count and not is_applied:
            self.stdout.write("Nothing was changed. Resolve them with --apply.")


def _record(reason: str, *, since: datetime, now: datetime) -> None:
    """Record the request before the first change; the inbox has the results."""
    try:
        audit.record(
            by=None,
            action="reconcile Stripe",
            target=StripeEvent,
            reason=reason,
            after={"since": since},
            now=now,
        )
    except audit.ReasonMissingError as refusal:
        raise CommandError(f"Nothing was changed: {refusal}.") from None
