"""`manage.py load_sandbox`"""

import sys
from argparse import ArgumentParser, FileType
from typing import Any

from django.core.management.base import BaseCommand

from payments.sandbox import past


class Command(BaseCommand):
    help = "Makes what a history of Stripe's events tells of, and delivers nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        help_text = "the events, one in each line as JSON, the oldest first; - is the input"
        parser.add_argument("file", type=FileType(), nargs="?", default=sys.stdin, help=help_text)

    def handle(self, *args: Any, **options: Any) -> None:
        with options["file"] as lines:
            count = past.load(lines)
        self.stdout.write(f"{count} events loaded into the sandbox.")
