"""`manage.py why`"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.date_format import moment
from accounts.models import User
from accounts.people import SeveralPeopleError
from gatewayz.cli import output
from payments import search
from payments.explanations import PaymentAnswer, explain_payment, explain_referral
from payments.models import MAX_AMOUNT_CENTS, Payment
from payments.user_explanations import UserAnswer, explain_user
from referrals.sentences import Line


@dataclass(frozen=True)
class Fact:
    """One line of an answer; the columns that mean nothing for it are empty."""

    about: str
    part: str
    at: datetime | None
    gate: str
    verdict: str
    found: str
    required: str
    sentence: str


def cents(text: str) -> int:
    """Return an amount of cents that somebody could pay."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:18]) <= MAX_AMOUNT_CENTS):
        raise ArgumentTypeError(f"{text!r} is no amount from 1 to {MAX_AMOUNT_CENTS} cents")
    return int(text)


class Command(BaseCommand):
    help = "Says why a user, a payment or a referral has a bonus or none, gate by gate."

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
            for fact in facts:
                self.stdout.write(_readable(fact))
        else:
            output.write(facts, Fact, self.stdout, options["format"])


def _facts(
    *, user: str | None, payment: str | None, referral: int | None, amount: int | None, **_: Any
) -> Iterator[Fact]:
    if payment:
        return _of_payment(_found_payment(payment))
    if referral:
        return _of_payment(_found_referral(referral))
    person = _found_person(user or "")
    return _of_user(explain_user(person, cents=amount, now=timezone.now()))


def _found_person(who: str) -> User:
    try:
        return search.find_user(who)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {who!r}.") from None
    except SeveralPeopleError as refusal:
        raise CommandError(f"{refusal}.") from None


def _found_payment(what: str) -> PaymentAnswer:
    try:
        return explain_payment(search.find_payment(what).pk)
    except Payment.DoesNotExist:
        raise CommandError(f"There is no payment {what!r}.") from None


def _found_referral(referral_id: int) -> PaymentAnswer:
    try:
        return explain_referral(referral_id)
    except Payment.DoesNotExist:
        raise CommandError(f"There is no referral {referral_id} with a payment.") from None


def _fact(about: str, part: str, sentence: str, **rest: Any) -> Fact:
    empty = {"at": None, "gate": "", "verdict": "", "found": "", "required": ""}
    return Fact(**empty | rest, about=about, part=part, sentence=sentence)


def _of_user(answer: UserAnswer) -> Iterator[Fact]:
    name = answer.user.username
    yield _fact(name, "answer", answer.summary)
    yield _fact(name, "attribution", answer.attribution)
    yield from chain.from_iterable(_of_payment(purchase) for purchase in answer.purchases)
    yield _fact(name, "now", answer.what_if.summary)
    yield from _of_gates(name, answer.what_if.lines)
    yield _fact(name, "invitations", answer.invitations.summary)
    for friend in answer.invitations.friends:
        yield _fact(name, "friend", friend.sentence, verdict=friend.state.value)


def _of_payment(answer: PaymentAnswer) -> Iterator[Fact]:
    about = str(answer.payment)
    yield _fact(about, "answer", answer.summary, at=answer.payment.paid_at)
    if answer.note:
        yield _fact(about, "note", answer.note)
    yield from _of_gates(about, answer.lines)
    for happening in answer.happenings:
        yield _fact(about, "story", happening.sentence, at=happening.at)


def _of_gates(about: str, lines: Iterable[Line]) -> Iterator[Fact]:
    for line in lines:
        gate = line.gate
        yield _fact(
            about,
            "gate",
            line.sentence,
            gate=gate.name.value,
            verdict=gate.verdict.value,
            found=gate.found,
            required=gate.required,
        )


def _readable(fact: Fact) -> str:
    match fact.part:
        case "gate" | "friend":
            return f"  {fact.verdict.replace('_', ' '):<11}  {fact.sentence}"
        case "story":
            return f"  {f'{moment(fact.at)} UTC' if fact.at else 'time not kept'}  {fact.sentence}"
        case "note":
            return f"  {fact.sentence}"
    return f"{fact.about}: {fact.sentence}"
