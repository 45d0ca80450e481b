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
from accounts.money import CENT, dollars
from gatewayz.cli import output


def amount(text: str) -> Decimal:
    """Return an amount of US dollars like 10 or -2.50."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is no amount like 10.00 or -2.50") from None


@dataclass(frozen=True)
class Line:
    """What came of it; amounts in US dollars, `balance_after` of an adjustment that is posted."""

    balances_adjusted: int
    adjustment_id: int
    username: str
    amount: Decimal
    balance_after: Decimal | None
    status: str
    was_done_already: bool


class Command(BaseCommand):
    help = "Adjusts the balance of a user; above the limit it waits for another person's approval."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="user name, e-mail, code, or id: #12")
        parser.add_argument("amount", metavar="AMOUNT", type=amount, help="US dollars: 10 or -2.50")
        parser.add_argument("--reason", required=True, help="why, in words")
        parser.add_argument(
            "--category",
            choices=Adjustment.Category.values,
            default=Adjustment.Category.OTHER,
        )
        parser.add_argument("--by", metavar="OPERATOR", help="whose action it is")
        parser.add_argument(
            "--token", type=UUID, help="a UUID that names this wish: run again it is done once"
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
        except (AdjustmentRefusedError, ReasonMissingError) as refusal:
            raise CommandError(f"Nothing was adjusted: {refusal}.") from None
        # With its token, what was asked for earlier is given back as it is.
        is_repeated = adjustment.requested_at != now
        if options["format"] == "table":
            self.stdout.write(_told(user, adjustment, is_repeated=is_repeated))
        else:
            line = _line(user, adjustment, is_repeated=is_repeated)
            output.write([line], Line, self.stdout, options["format"])


def _find(who: str) -> User:
    try:
        return people.find(who)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {who!r}.") from None
    except people.SeveralPeopleError as refusal:
        raise CommandError(f"Nothing was adjusted: {refusal}.") from None


def _told(user: User, adjustment: Adjustment, *, is_repeated: bool) -> str:
    what = f"adjustment {adjustment.pk}, {dollars(adjustment.amount)} for {user},"
    entry = adjustment.ledger_entry
    if is_repeated:
        return f"0 balances adjusted: asked for already, {what} is {adjustment.status}."
    if entry is None:
        limit = dollars(adjustment.approval_limit)
        return f"0 balances adjusted: {what} waits for approval (more than {limit})."
    return (
        f"1 balance adjusted: {user} {dollars(adjustment.amount)},"
        f" now {dollars(entry.balance_after)} (adjustment {adjustment.pk})."
    )


def _line(user: User, adjustment: Adjustment, *, is_repeated: bool) -> Line:
    entry = adjustment.ledger_entry
    return Line(
        balances_adjusted=int(entry is not None and not is_repeated),
        adjustment_id=adjustment.pk,
        username=user.username,
        amount=adjustment.amount.quantize(CENT),
        balance_after=entry.balance_after if entry else None,
        status=adjustment.status,
        was_done_already=is_repeated,
    )
