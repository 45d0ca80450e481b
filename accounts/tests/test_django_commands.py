"""Django's own commands end with a sentence where our tables refuse."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.tests.factories import Person
from payments.tests.stripe_events import settle

TAKEN = [
    ("alice", "new@example.com", "username"),
    ("ALICE", "new@example.com", "username"),
    ("new", "alice@example.com", "e-mail address"),
    ("new", "ALICE@example.com", "e-mail address"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "email", "taken"), TAKEN)
def test_a_superuser_with_a_taken_name_or_address_is_refused(
    alice: Person, name: str, email: str, taken: str
) -> None:
    with pytest.raises(CommandError, match=f"That {taken} is already taken"):
        call_command("createsuperuser", interactive=False, username=name, email=email)

    assert not User.objects.filter(is_superuser=True).exists()


def test_a_superuser_is_made(db: None) -> None:
    call_command(
        "createsuperuser", interactive=False, username="root", email="root@example.com", verbosity=0
    )

    assert User.objects.get().is_superuser


@pytest.mark.django_db(transaction=True)
def test_what_dumpdata_wrote_is_refused(alice: Person, bob: Person, tmp_path: Path) -> None:
    settle(bob.user)
    path = str(tmp_path / "dump.json")
    call_command("dumpdata", output=path, verbosity=0)

    with pytest.raises(CommandError, match="nothing was loaded"):
        call_command("loaddata", path, verbosity=0)

    assert bob.balance() != "0.00"
