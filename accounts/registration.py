"""Creates a person's account: the user and the first API key, or nothing."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from accounts import api_keys, constraints, names
from accounts.errors import AccountError
from accounts.models import User


class NameTakenError(AccountError):
    """Another user has this username or e-mail, in any case."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class CodeTakenError(AccountError):
    """Another user has the generated referral code; generate another."""


@transaction.atomic
def create_account(
    *,
    username: str,
    email: str,
    auth_method: str,
    referral_code: str,
    referred_by_code: str | None,
    address: str,
    now: datetime,
) -> tuple[User, str]:
    """Create the user and the first key; only an HMAC of the network `address` is stored.

    Return the user, and the text of the key, which cannot be read again.
    Raises NameTakenError, CodeTakenError, MixedScriptsError and LooksLikeStaffError.
    """
    names.require_one_script(username)
    _require_unlike_staff(username)
    user = User(
        username=username,
        email=User.objects.normalize_email(email),
        auth_method=auth_method,
        referral_code=referral_code,
        referred_by_code=referred_by_code,
        signup_address=_digest(address),
        created_at=now,
    )
    user.set_unusable_password()
    # Insert, and let the unique indexes decide: of two registrations at once only one can win, and
    # a look before the insert would miss that. The savepoint keeps the outer transaction usable.
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(error) from error
    _, text = api_keys.create(user=user, name="default", now=now)
    return user, text


def _require_unlike_staff(username: str) -> None:
    """Raise LooksLikeStaffError for a name that could be taken for one of staff; not for the same.

    That one is taken, which the database says.
    """
    look, folded = names.look(username), names.fold(username)
    of_staff = User.objects.filter(is_staff=True).order_by().values_list("username", flat=True)
    if any(names.look(name) == look and names.fold(name) != folded for name in of_staff):
        raise names.LooksLikeStaffError("this looks like the name of somebody else")


def _digest(address: str) -> str:
    """Return an HMAC by which addresses can be compared but not read."""
    # Empty stays empty: two people without a known address must not look like one household.
    if not address:
        return ""
    return salted_hmac("accounts.signup_address", address, algorithm="sha256").hexdigest()


def _taken(error: IntegrityError) -> Exception:
    """Return the error that names the taken field."""
    constraint = constraints.violated(error)
    if constraint.startswith("users_referral_code"):
        return CodeTakenError()
    for field in ("username", "email"):
        if constraint.startswith(f"users_{field}"):
            return NameTakenError(field)
    return error
