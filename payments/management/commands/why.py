"""`manage.py why`"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.date_format import moment
from accounts.models import User
from accounts.people import SeveralPeopleError
from gatewayz.cli import output
from payments import search
from payments.explanations.answers import (
    Answer,
    PersonAnswer,
    PurchaseAnswer,
    explain_person,
    explain_purchases,
)
from payments.explanations.messages import Audience
from payments.models import MAX_AMOUNT_CENTS, Payment


@dataclass(frozen=True)
class Fact:
    """One line of an answer; the columns that mean nothing for it are empty."""

    about: str
    part: str
    sentence: str
    at: datetime | None = None
    check: str = ""
    status: str = ""
    found: str = ""
    required: str = ""


def cents(text: str) -> int:
    """Return an amount of cents that somebody could pay."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:18]) <= MAX_AMOUNT_CENTS):
        raise ArgumentTypeError(f"{text!r} is no amount from 1 to {MAX_AMOUNT_CENTS} cents")
    return int(text)


class Command(BaseCommand):
    help = "Explains why a user, a payment or a referral has a bonus or none, check by check."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "user", nargs="?", metavar="USER", help="user name, e-mail, code, id or Stripe's id"
        )
        parser.add_argument("--payment", metavar="ID", help="a payment instead: our id or Stripe's")
        parser.add_argument("--referral", metavar="ID", type=int, help="a referral instead")
        parser.add_argument(
            "--amount",
            type=cents,
            metavar="CENTS",
            help="what a purchase of the user's would earn now (default: of the minimum)",
        )
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        asked = [options[one] for one in ("user", "payment", "referral") if options[one]]
        if len(asked) != 1:
            raise CommandError("Name one: a USER, --payment ID or --referral ID.")
        if options["amount"] and not options["user"]:
            raise CommandError("--amount asks what a USER's purchase would earn.")
        facts = list(_facts(**options))
        if options["format"] == "table":
            self.stdout.write("\n".join(map(_readable, facts)))
        else:
            output.write(facts, Fact, self.stdout, options["format"])


def _facts(
    *, user: str | None, payment: str | None, referral: int | None, amount: int | None, **_: Any
) -> Iterator[Fact]:
    """Find what was asked about, and explain it. Raises CommandError."""
    try:
        if user:
            person = search.find_user(user)
            now = timezone.now()
            answer = explain_person(person, Audience.OPERATOR, cents=amount, now=now)
            return _of_person(person.username, answer)
        purchases = Payment.objects.filter(referral=referral)
        if payment:
            purchases = Payment.objects.filter(pk=search.find_payment(payment).pk)
        if answers := explain_purchases(purchases):
            return _of_purchases(answers)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {user!r}.") from None
    except Payment.DoesNotExist:
        raise CommandError(f"There is no payment {payment!r}.") from None
    except SeveralPeopleError as refusal:
        raise CommandError(f"{refusal}.") from None
    raise CommandError(f"There is no referral {referral} with a payment.")


def _of_person(name: str, answer: PersonAnswer) -> Iterator[Fact]:
    yield Fact(name, "answer", answer.summary)
    yield Fact(name, "attribution", answer.attribution)
    yield from _of_purchases(answer.purchases)
    yield Fact(name, "now", answer.what_if.summary)
    yield from _of_checks(name, answer.what_if)
    yield Fact(name, "invitations", answer.code_uses)
    for referee in answer.referees:
        yield Fact(name, "friend", referee.sentence, status=referee.state)


def _of_purchases(answers: Iterable[PurchaseAnswer]) -> Iterator[Fact]:
    for answer in answers:
        about = str(answer.payment)
        yield Fact(about, "answer", answer.summary, at=answer.payment.paid_at)
        if answer.note:
            yield Fact(about, "note", answer.note)
        yield from _of_checks(about, answer)
        for event in answer.timeline:
            yield Fact(about, "timeline", event.sentence, at=event.at)


def _of_checks(about: str, answer: Answer) -> Iterator[Fact]:
    for line in answer.checks:
        yield Fact(about, "check", line.sentence, None, *astuple(line.result))


def _readable(fact: Fact) -> str:
    match fact.part:
        case "check" | "friend":
            return f"  {fact.status.replace('_', ' '):<11}  {fact.sentence}"
        case "timeline":
            at = f"{moment(fact.at)} UTC" if fact.at else "time not stored"
            return f"  {at}  {fact.sentence}"
        case "note":
            return f"  {fact.sentence}"
    return f"{fact.about}: {fact.sentence}"
