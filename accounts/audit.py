"""The audit log: who did what to which object, why, and what it changed."""

import os
from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from getpass import getuser
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from accounts import prepared
from accounts.errors import AccountError
from accounts.models import AuditEntry, User

MAX_REASON_LENGTH = 500
# Unicode calls these Hangul fillers letters, but they show nothing.
_INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0"


class ReasonMissingError(AccountError):
    """An operator's action has no reason, or one that is too long for the audit log."""


def require_reason(reason: str) -> str:
    """Return the reason as the log keeps it. Raises ReasonMissingError when it has no words."""
    words = reason.strip()
    if not any(character.isalnum() for character in words if character not in _INVISIBLE_LETTERS):
        raise ReasonMissingError("give a reason")
    if len(words) > MAX_REASON_LENGTH:
        raise ReasonMissingError(f"give a reason of at most {MAX_REASON_LENGTH} characters")
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
    """Append an action to the log; `target` is a row, or a model when it was done to a whole list.

    Call it in the transaction of the action itself, so that neither exists without the other.
    `by` is None for the command line. `before` and `after` hold the values that the action changed.
    Raises ReasonMissingError.
    """
    is_row = isinstance(target, models.Model)
    return AuditEntry.objects.create(
        at=now,
        by=by,
        shell_user="" if by else _shell_user(),
        action=action,
        target_type=target._meta.label_lower,
        target_id=target.pk if is_row else None,
        target_label=str(target if is_row else target._meta.verbose_name_plural)[:200],
        reason=require_reason(reason),
        before=before or {},
        after=after or {},
    )


def _shell_user() -> str:
    """Return the name of the machine's account that ran the command, also when it used sudo."""
    try:
        return os.environ.get("SUDO_USER") or getuser()
    except (KeyError, OSError):  # a container's account often has only a number
        return f"account {os.getuid()}"


def of(*targets: models.Model) -> QuerySet[AuditEntry]:
    """Return the entries about any of `targets`, newest first; give at least one."""
    # One condition a table, not one a row: the list can be long, and the index has the type first.
    ids: dict[str, list[int]] = {}
    for target in targets:
        ids.setdefault(target._meta.label_lower, []).append(target.pk)
    conditions = (Q(target_type=table, target_id__in=pks) for table, pks in ids.items())
    return AuditEntry.objects.filter(reduce(or_, conditions)).order_by("-pk")


# SELECT DISTINCT would read the whole log. This jumps from one value to the next along the index
# `audit_by_action`, so it costs one index lookup an action.
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
    """Return the name of every action in the log, in alphabetical order."""
    return [action for (action,) in prepared.fetch(_ACTIONS, [])]
