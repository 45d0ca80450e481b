"""The argument USER of the commands that are about one user."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from accounts.models import User
from accounts.people import SeveralPeopleError
from payments import search


def add(parser: ArgumentParser) -> None:
    parser.add_argument("user", metavar="USER", help="user name, e-mail, code, id or Stripe's id")


def find(typed: str) -> User:
    """Return the user who was named. Raises CommandError."""
    try:
        return search.find_user(typed)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {typed!r}.") from None
    except SeveralPeopleError as refusal:
        raise CommandError(f"{refusal}.") from None
