"""`manage.py worker`"""

from typing import Any

from django.core.management.base import BaseCommand

from payments import worker


class Command(BaseCommand):
    help = "Runs the periodic jobs until it is stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        worker.run()
