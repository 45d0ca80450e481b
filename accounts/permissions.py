"""Asks for an operator's permission where the work is done, whoever calls it."""

from accounts.errors import AccountError
from accounts.models import User


class PermissionMissingError(AccountError):
    """The operator may not do this."""


def require(permission: str, *, by: User | None) -> None:
    """Raise PermissionMissingError unless `by` has the permission, like `accounts.manage_keys`.

    `by` is None for the command line, which may do everything.
    """
    if by is not None and not by.has_perm(permission):
        raise PermissionMissingError(f"{by} lacks the permission {permission}")
