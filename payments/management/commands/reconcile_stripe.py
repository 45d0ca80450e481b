"""`manage.py reconcile_stripe`"""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments.reconciliation import differences
from payments.stripe_gateway import StripeRefusedError, StripeUnavailableError


def moment(text: str) -> datetime:
    """Return a day or a point in time, in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is no date like 2026-11-22 or 2026-11-22T14:00"
        ) from error
    return found.replace(tzinfo=UTC) if timezone.is_naive(found) else found.astimezone(UTC)


class Command(BaseCommand):
    help = "Shows what Stripe has and we have not; settles it with --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, help="default: three days ago")
        parser.add_argument("--apply", action="store_true", help="settle what is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        since = options["since"] or now - timedelta(days=3)
        count = 0
        try:
            for found in differences(since=since, now=now, apply=options["apply"]):
                count += 1
                done = found.outcome or f"to do: {found.remedy}"
                self.stdout.write(f"{found.stripe_id}  {found.what}  {done}")
        except (StripeUnavailableError, StripeRefusedError) as error:
            raise CommandError(f"Stripe: {error} ({count} differences until then)") from error
        self.stdout.write(f"{count} differences since {since:%Y-%m-%d %H:%M} UTC.")
        if count and not options["apply"]:
            self.stdout.write("Nothing was changed; settle them with --apply.")
