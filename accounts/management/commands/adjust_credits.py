"""`manage.py adjust_credits`"""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import adjustments, people
from accounts.adjustment_rules import AdjustmentRefusedError
from accounts.audit import ReasonMissingError
from accounts.models import Adjustment, User
from accounts.money import CENT
from gatewayz.cli import output


def parse_amount(text: str) -> Decimal:
    """Return an amount of US dollars such as 10 or -2.50."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is not an amount like 10.00 or -2.50") from None


@dataclass(frozen=True)
class Row:
    """The outcome; amounts in US dollars, no `balance_after` while it waits for approval."""

    balances_adjusted: int
    adjustment_id: int
    username: str
    amount: Decimal
    balance_after: Decimal | None
    status: str
    was_done_already: bool


class Command(BaseCommand):
    help = "Adjusts a user's balance; above the limit a second person must approve it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="user name, e-mail, code, or id: #12")
        parser.add_argument(
            "amount", metavar="AMOUNT", type=parse_amount, help="US dollars: 10 or -2.50"
        )
        parser.add_argument("--reason", required=True, help="the reason, for the audit log")
        parser.add_argument(
            "--category",
            choices=Adjustment.Category.values,
            default=Adjustment.Category.OTHER,
        )
        parser.add_argument("--by", metavar="OPERATOR", help="the operator who requests it")
        parser.add_argument(
            "--token", type=UUID, help="a UUID for this request; a repeated call does nothing"
        )
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user, now = _find(options["user"]), timezone.now()
        try:
            adjustment = adjustments.request_adjustment(
                user=user,
                amount=options["amount"],
                category=Adjustment.Category(options["category"]),
                reason=options["reason"],
                by=_find(options["by"]) if options["by"] else None,
                token=options["token"] or uuid4(),
                now=now,
            )
        except (AdjustmentRefusedError, ReasonMissingError) as error:
            raise CommandError(f"Nothing was adjusted: {error}.") from None
        # For a known token the domain returns the earlier adjustment, which has its own time.
        is_repeated = adjustment.requested_at != now
        entry = adjustment.ledger_entry
        row = Row(
            balances_adjusted=int(entry is not None and not is_repeated),
            adjustment_id=adjustment.pk,
            username=user.username,
            amount=adjustment.amount.quantize(CENT),
            balance_after=entry.balance_after if entry else None,
            status=adjustment.status,
            was_done_already=is_repeated,
        )
        output.write([row], Row, self.stdout, options["format"])
        if options["format"] == "table":
            self.stdout.write(f"{output.counted(row.balances_adjusted, 'balance')} adjusted.")


def _find(name: str) -> User:
    try:
        return people.find(name)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
    except people.SeveralPeopleError as error:
        raise CommandError(f"Nothing was adjusted: {error}.") from None
