"""Django's deployment checks of the database: who we are there, and what it keeps for us."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import OperationalError, ProgrammingError, transaction

from accounts.database_roles import has_approval_limit, problems
from accounts.money import dollars
from accounts.operator_models import approval_limit
from gatewayz.postgresql.base import TimeoutsMissingError

_PREPARE = "Serve as a role that `manage.py database_roles` has prepared; see docs/production.md."
_MIGRATE = "Run `manage.py migrate` as the owner of the tables, which writes it."


@checks.register(checks.Tags.security, deploy=True)
def check_database(**kwargs: Any) -> list[checks.CheckMessage]:
    try:
        return [
            *(checks.Warning(text, _PREPARE, id="accounts.W001") for text in problems()),
            *(checks.Warning(text, _MIGRATE, id="accounts.W002") for text in _limit_problems()),
        ]
    except TimeoutsMissingError as error:
        return [checks.Warning(str(error), id="accounts.W003")]
    except OperationalError:
        # Nothing is known of a database that does not answer; `/readyz` says that it does not.
        return []


def _limit_problems() -> Iterator[str]:
    if not has_approval_limit():
        return
    try:
        with transaction.atomic():
            wanted, stored = settings.ADJUSTMENT_APPROVAL_LIMIT, approval_limit()
    except ProgrammingError:
        # The role is not prepared yet, which is a warning of its own.
        return
    if wanted != stored:
        yield f"ADJUSTMENT_APPROVAL_LIMIT is {dollars(wanted)}; the database has {dollars(stored)}."
