"""Creates a person's account: the user and the first API key, or nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from accounts import api_keys, constraints
from accounts.models import User


class NameTakenError(Exception):
    """Somebody has this username or e-mail already; case makes no difference."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class CodeTakenError(Exception):
    """The freshly made referral code belongs to somebody; make another."""


@dataclass(frozen=True)
class Account:
    """A new user, and the text of the key that is shown this once."""

    user: User
    api_key: str


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
) -> Account:
    """Create the user and the first key; of the network `address` only an HMAC is kept.

    Raises NameTakenError or CodeTakenError: the constraints decide, so that of several at once
    one wins.
    """
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
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(error) from error
    _, text = api_keys.create(user=user, name="default", now=now)
    return Account(user=user, api_key=text)


def _digest(address: str) -> str:
    """Return what lets two addresses be compared, and neither of them be read.

    Of no address it is empty: two who came without are not known to have come from one place.
    """
    if not address:
        return ""
    return salted_hmac("accounts.signup_address", address, algorithm="sha256").hexdigest()


def _taken(error: IntegrityError) -> Exception:
    """Name the field that is taken, by the constraint that said so."""
    constraint = constraints.broken(error)
    if constraint.startswith("users_referral_code"):
        return CodeTakenError()
    for field in ("username", "email"):
        if constraint.startswith(f"users_{field}"):
            return NameTakenError(field)
    return error
