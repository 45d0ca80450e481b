"""Prepares the development database: its tables, the staff's log-ins, the names still free."""

import fcntl
import hmac
import itertools
import os
import secrets
from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING

import django
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.models import Q

from gatewayz.dev.checkout import APPLICATION_ROLE, WORKSHOP, Database, Refusal

if TYPE_CHECKING:  # Django is set up only later, in `migrate`.
    from accounts.models import User

OPERATOR = "operator"
# Who decided in the example data; made with them.
DEMO_REVIEWER = "demo.reviewer"
# One of each group (gatewayz/groups.py).
MEMBERS = {"support": "Support", "finance": "Finance"}
SECRET_FILE = WORKSHOP / "operator.secret"


def migrate(database: Database) -> None:
    """Set Django up, bring the tables up to date as their owner, and go on as the program."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewayz.settings")
    os.environ["DATABASE_URL"] = database.owner_url
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    if database.has_two_roles:
        call_command("database_roles", APPLICATION_ROLE, stdout=StringIO())
    os.environ["DATABASE_URL"] = database.url
    connection.close()
    if database.has_two_roles:
        connection.settings_dict["USER"] = APPLICATION_ROLE


def ensure_staff(database_url: str) -> dict[str, str]:
    """See to it that an operator and a member of each group can log in; return their passwords.

    They are random for each database, and the same at each start.
    """
    passwords = {name: _password(database_url, name) for name in (OPERATOR, *MEMBERS)}
    for name, password in passwords.items():
        user = _ensure(name, is_superuser=name == OPERATOR)
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
    return passwords


def _ensure(name: str, *, is_superuser: bool) -> "User":
    user, is_new = get_user_model().objects.get_or_create(
        username=name,
        defaults={
            "email": f"{name}@gatewayz.localhost",
            "is_staff": True,
            "is_superuser": is_superuser,
        },
    )
    if not user.is_staff or user.is_superuser != is_superuser:
        raise Refusal(f"the user {name!r} of this database is somebody else; rename it.")
    if is_new and not is_superuser:
        user.groups.set(user.groups.model.objects.filter(name=MEMBERS[name]))
    return user


def _password(database_url: str, name: str) -> str:
    return hmac.new(_read_secret(), f"{name} {database_url}".encode(), "sha256").hexdigest()[:20]


def _read_secret() -> bytes:
    """Return this checkout's secret; of two who make one at the same time one waits."""
    WORKSHOP.mkdir(exist_ok=True)
    SECRET_FILE.touch(mode=0o600)
    with SECRET_FILE.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (secret := file.read()):
            secret = secrets.token_bytes(32)
            file.write(secret)
    return secret


def ensure_demo(users: int) -> None:
    """Add example data of so many users, unless there are any already."""
    if get_user_model().objects.filter(username=DEMO_REVIEWER).exists():
        print("The example data are there already; ./dev manage seed_demo adds more.", flush=True)
        return
    try:
        call_command("seed_demo", users=users)
    except CommandError as refusal:
        raise Refusal(f"no example data: {refusal}") from None


def free_suffixes() -> Iterator[str]:
    """Yield "", "2", "3", … where nobody is called alice, bob and so on with it yet."""
    users = get_user_model().objects
    for number in itertools.count(1):
        suffix = "" if number == 1 else str(number)
        names = [f"{name}{suffix}" for name in ("alice", "bob")]
        taken = Q()
        for name in names:
            taken |= Q(username__iexact=name) | Q(email__iexact=f"{name}@example.com")
        if not users.filter(taken).exists():
            yield suffix


def disconnect() -> None:
    connections.close_all()
