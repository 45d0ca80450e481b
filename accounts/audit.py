"""The audit log: who did what to what, why, and how it was before and after."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from getpass import getuser
from operator import or_
from typing import Any

from django.db import connection, models
from django.db.models import Q, QuerySet

from accounts.models import AuditEntry, User

LONGEST_REASON = 500
# Letters by name, which leave the place empty.
_EMPTY_LETTERS = "\u115f\u1160\u3164\uffa0"


class ReasonMissingError(ValueError):
    """An operator's action needs a reason in words, for whoever asks later."""


def stated(reason: str) -> str:
    """Return the reason as it is kept. Raises ReasonMissingError when it says nothing."""
    words = reason.strip()
    if not any(character.isalnum() for character in words if character not in _EMPTY_LETTERS):
        raise ReasonMissingError("say why")
    if len(words) > LONGEST_REASON:
        raise ReasonMissingError(f"say why in at most {LONGEST_REASON} characters")
    return words


def record(
    *,
    by: User | None,
    action: str,
    target: models.Model | type[models.Model],
    reason: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Append what was done to `target`, a row or a whole list, in the action's own transaction.

    `by` is None for the command line. `before` and `after` hold what the action changed. Raises
    ReasonMissingError.
    """
    return AuditEntry.objects.create(
        at=now,
        by=by,
        shell_user="" if by else _shell_user(),
        action=action,
        target_type=target._meta.label_lower,
        target_id=target.pk if isinstance(target, models.Model) else None,
        target_label=_label(target)[:200],
        reason=stated(reason),
        before=before or {},
        after=after or {},
    )


def _shell_user() -> str:
    """Return who typed a command: the machine's account, from before sudo changed it."""
    try:
        return os.environ.get("SUDO_USER") or getuser()
    except (KeyError, OSError):  # a container's account often has no name
        return f"account {os.getuid()}"


def _label(target: models.Model | type[models.Model]) -> str:
    if isinstance(target, models.Model):
        return str(target)
    return str(target._meta.verbose_name_plural)


def of_all(targets: Iterable[models.Model]) -> QuerySet[AuditEntry]:
    """Return what was done to any of `targets`, the latest first; there is at least one."""
    ids: dict[str, list[int]] = {}
    for target in targets:
        ids.setdefault(target._meta.label_lower, []).append(target.pk)
    about = (Q(target_type=kind, target_id__in=pks) for kind, pks in ids.items())
    return AuditEntry.objects.filter(reduce(or_, about)).order_by("-pk")


def of(target: models.Model) -> QuerySet[AuditEntry]:
    """Return what was done to `target`, the latest first."""
    return AuditEntry.objects.filter(
        target_type=target._meta.label_lower, target_id=target.pk
    ).order_by("-pk")


# From one value to the next along the index `audit_by_action`, however long the log is.
_ACTIONS = """
WITH RECURSIVE seen AS (
    (SELECT action FROM audit_entries ORDER BY action LIMIT 1)
    UNION ALL
    SELECT (SELECT action FROM audit_entries WHERE action > seen.action ORDER BY action LIMIT 1)
    FROM seen WHERE seen.action IS NOT NULL
)
SELECT action FROM seen WHERE action IS NOT NULL
"""


def actions() -> list[str]:
    """Return what was ever done, each once."""
    with connection.cursor() as cursor:
        cursor.execute(_ACTIONS)
        return [action for (action,) in cursor.fetchall()]
