"""`manage.py refold_mailboxes`"""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.people import refold_mailboxes
from gatewayz.cli.output import counted
from gatewayz.cli.progress import progress


class Command(BaseCommand):
    help = "Folds every e-mail address again, after a change of the rules in accounts.mailboxes."

    def handle(self, *args: Any, **options: Any) -> None:
        with progress("Folding", out=self.stdout):
            changed = refold_mailboxes(User.objects.all())
        self.stdout.write(f"{counted(changed, 'mailbox', 'mailboxes')} changed.")
