"""`manage.py related`"""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand

from gatewayz.cli import output
from payments.management import user_argument
from payments.related import related_to


@dataclass(frozen=True)
class Row:
    """An account that may be the same person's."""

    id: int
    username: str
    is_active: bool
    evidence: str


class Command(BaseCommand):
    help = "Shows the accounts that share a card, a mailbox, an address or an inviter with a user."

    def add_arguments(self, parser: ArgumentParser) -> None:
        user_argument.add(parser)
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_argument.find(options["user"])
        rows = [
            Row(one.user.pk, one.user.username, one.user.is_active, "; ".join(one.evidence))
            for one in related_to(user)
        ]
        output.write(rows, Row, self.stdout, options["format"])
        self.stderr.write(f"{output.counted(len(rows), 'related account')}.")
