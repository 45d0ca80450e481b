"""Retries a transaction that PostgreSQL aborted to let another one finish."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import NotSupportedError, OperationalError
from psycopg import errors

log = structlog.get_logger(__name__)

RETRIES = 3
# The last one: a migration has changed the result of a prepared statement. Rolling back lets
# psycopg prepare it anew.
_REPEATABLE = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.FeatureNotSupported,
)
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def repeat(reason: str) -> OperationalError:
    """Return an error for which `retry_on_deadlock` tries the transaction again."""
    error = OperationalError(reason)
    error.__cause__ = errors.SerializationFailure(reason)
    return error


def retry_on_deadlock(
    function: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """Call `function` up to three times more after a deadlock or a serialization failure.

    `function` must open its own transaction: after such an error PostgreSQL has rolled it back, so
    a retry inside an outer transaction would fail.
    """

    @wraps(function)
    def retrying(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        for _ in range(RETRIES):
            try:
                return function(*args, **kwargs)
            except (OperationalError, NotSupportedError) as error:
                if not isinstance(error.__cause__, _REPEATABLE):
                    raise
                log.warning("transaction_retried", error=repr(error))
        return function(*args, **kwargs)

    return retrying
