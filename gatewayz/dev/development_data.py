"""Prepares the development database: its tables, the operator's log-in, the names still free."""

import base64
import hashlib
import hmac
import itertools
import os
import secrets
from collections.abc import Iterator

import django
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import Q

from gatewayz.dev.checkout import WORKSHOP, Refusal

OPERATOR = "operator"
# Who decided in the example data; made with them.
DEMO_REVIEWER = "demo.reviewer"
OPERATOR_EMAIL = "operator@gatewayz.localhost"
SECRET_FILE = WORKSHOP / "operator.secret"


def migrate() -> None:
    """Bring the tables up to date; Django is set up from here on."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewayz.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


def ensure_operator(database_url: str) -> str:
    """See to it that the operator can log in, and return the password.

    It is random for each database, and the same at each start.
    """
    digest = hmac.digest(_read_secret(), database_url.encode(), hashlib.sha256)
    password = base64.b32encode(digest).decode()[:20].lower()
    users = get_user_model().objects
    operator, _created = users.get_or_create(
        username=OPERATOR,
        defaults={"email": OPERATOR_EMAIL, "is_staff": True, "is_superuser": True},
    )
    if not operator.is_superuser:
        raise Refusal(f"the user {OPERATOR!r} of this database is not an operator; rename it.")
    if not operator.check_password(password):
        operator.set_password(password)
        operator.save(update_fields=["password"])
    return password


def _read_secret() -> bytes:
    """Return this checkout's secret; the first of two who make one at the same time wins."""
    fresh = SECRET_FILE.with_suffix(f".{os.getpid()}")
    if not SECRET_FILE.exists():
        WORKSHOP.mkdir(exist_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(32))
        try:
            os.link(fresh, SECRET_FILE)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return SECRET_FILE.read_bytes()


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
