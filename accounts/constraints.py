"""Knows by which constraint the database refused a write, so that a use case can say why."""

from django.db import IntegrityError


def broken(refusal: IntegrityError) -> str:
    """Return the name of the constraint or unique index; empty where PostgreSQL gives none."""
    diagnosis = getattr(refusal.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
