"""Django's deployment checks of the database: who we are there, and what it keeps for us."""

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import OperationalError, ProgrammingError, transaction

from accounts import database_roles
from accounts.money import dollars
from accounts.operator_models import approval_limit
from gatewayz.postgresql.base import TimeoutsMissingError


def _of_the_database(look: Callable[[], Iterator[str]], *, hint: str, number: str) -> None:
    """Register a check whose sentences are warnings."""

    @checks.register(checks.Tags.security, deploy=True)
    def check(**kwargs: Any) -> list[checks.CheckMessage]:
        try:
            return [checks.Warning(sentence, hint=hint, id=number) for sentence in look()]
        except TimeoutsMissingError as error:
            return [checks.Warning(str(error), id="accounts.W003")]
        except OperationalError:
            # Nothing is known of a database that does not answer; `/readyz` says that it does not.
            return []


def _limit_problems() -> Iterator[str]:
    if not database_roles.has_approval_limit():
        return
    try:
        with transaction.atomic():
            wanted, stored = settings.ADJUSTMENT_APPROVAL_LIMIT, approval_limit()
    except ProgrammingError:
        # The role is not prepared yet, which is a warning of its own.
        return
    if wanted != stored:
        yield f"ADJUSTMENT_APPROVAL_LIMIT is {dollars(wanted)}; the database has {dollars(stored)}."


_of_the_database(
    database_roles.problems,
    hint="Serve as a role that `manage.py database_roles` has prepared; see docs/production.md.",
    number="accounts.W001",
)
_of_the_database(
    _limit_problems,
    hint="Run `manage.py migrate` as the owner of the tables, which writes it.",
    number="accounts.W002",
)
