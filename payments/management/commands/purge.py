"""`manage.py purge`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from gatewayz.cli import output
from gatewayz.cli.progress import waiting
from payments import retention
from payments.retention import Purged


class Command(BaseCommand):
    help = "Deletes what is over and older than its retention, as the worker does each night."

    def add_arguments(self, parser: ArgumentParser) -> None:
        output.add_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with waiting("Purging", out=self.stdout):
            purged = retention.purge(now=timezone.now())
        output.write(purged, Purged, self.stdout, options["format"])
