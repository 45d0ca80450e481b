"""`manage.py why`"""

from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.date_format import moment
from gatewayz.cli import output
from payments.explanations.answers import Answer, PersonAnswer, PurchaseAnswer, explain_person
from payments.explanations.messages import Audience
from payments.management import user_argument


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


class Command(BaseCommand):
    help = "Explains why a user has a bonus or none, purchase by purchase and check by check."

    def add_arguments(self, parser: ArgumentParser) -> None:
        user_argument.add(parser)
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_argument.find(options["user"])
        answer = explain_person(user, Audience.OPERATOR, cents=None, now=timezone.now())
        facts = list(_of_person(user.username, answer))
        if options["format"] == "table":
            self.stdout.write("\n".join(map(_readable, facts)))
        else:
            output.write(facts, Fact, self.stdout, options["format"])


def _of_person(name: str, answer: PersonAnswer) -> Iterator[Fact]:
    yield Fact(name, "answer", answer.summary)
    yield Fact(name, "attribution", answer.attribution)
    for purchase in answer.purchases:
        yield from _of_purchase(purchase)
    yield Fact(name, "now", answer.what_if.summary)
    yield from _of_checks(name, answer.what_if)
    yield Fact(name, "invitations", answer.code_uses)
    for referee in answer.referees:
        yield Fact(name, "friend", referee.sentence, status=referee.state)


def _of_purchase(answer: PurchaseAnswer) -> Iterator[Fact]:
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
