"""Reads from a database error which constraint refused the write."""

from django.db import IntegrityError


def violated(error: IntegrityError) -> str:
    """Return the name of the constraint or unique index, or "" when PostgreSQL gives no name."""
    # psycopg's error is the cause of Django's. For NOT NULL it names a column, no constraint.
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
