"""Attributes a referee to a referrer: once, at registration (CONTRACT 2.2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.registration import Account, CodeTakenError, create_account
from referrals import codes
from referrals.codes import FoundCode
from referrals.models import Program


class Refusal(StrEnum):
    """Why a code cannot be used; the values are the messages of the API (CONTRACT 1)."""

    NOT_FOUND = "Code not found"
    EXHAUSTED = "Referral code has reached maximum uses"
    OWN = "Cannot use your own referral code"
    NOT_FIRST = "Referral code can only be used on first purchase"
    ANOTHER = "You have already used a different referral code"


@dataclass(frozen=True)
class CheckedCode:
    """The owner of a code that can be used, or the refusal; neither if no code was given."""

    owner: User | None = None
    remaining_uses: int = 0
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Registration:
    """A new account, and why its invitation was refused, if it was."""

    account: Account
    refusal: Refusal | None


def check_code(found: FoundCode | None, *, person: User | None = None) -> CheckedCode:
    """Return whether the code can be used, by `person` if the caller is known."""
    if found is None:
        return CheckedCode(refusal=Refusal.NOT_FOUND)
    remaining = max(found.max_uses - found.uses, 0)
    refusal = _refusal(found.owner, person) or (None if remaining else Refusal.EXHAUSTED)
    if refusal:
        return CheckedCode(refusal=refusal)
    return CheckedCode(owner=found.owner, remaining_uses=remaining)


def _refusal(owner: User, person: User | None) -> Refusal | None:
    """Return why `person` cannot use the code of `owner`."""
    if person is None:
        return None
    if person.pk == owner.pk:
        return Refusal.OWN
    if person.has_made_first_purchase:
        return Refusal.NOT_FIRST
    if person.referred_by_code not in (None, owner.referral_code):
        return Refusal.ANOTHER
    return None


def register(
    *,
    username: str,
    email: str,
    auth_method: str,
    invitation: object,
    address: str,
    now: datetime,
) -> Registration:
    """Create an account with its own code, attributed to the owner of `invitation` if it is valid.

    With an invalid invitation the account is created without attribution, and the refusal says
    why. Raises NameTakenError, NoFreeCodeError, MixedScriptsError and LooksLikeStaffError.
    """
    is_invited = invitation not in (None, "")
    checked = check_code(codes.find(invitation, now=now)) if is_invited else CheckedCode()
    referrer = checked.owner
    length = Program.objects.at(now).get().code_length
    for _ in range(codes.ATTEMPTS):
        try:
            account = create_account(
                username=username,
                email=email,
                auth_method=auth_method,
                referral_code=codes.generate(length),
                referred_by_code=referrer.referral_code if referrer else None,
                address=address,
                now=now,
            )
        except CodeTakenError:
            continue
        return Registration(account=account, refusal=checked.refusal)
    raise codes.NoFreeCodeError


def buyer_and_referrer(buyer: User) -> QuerySet[User]:
    """Return both accounts that a purchase of `buyer` can credit."""
    code = buyer.referred_by_code
    return User.objects.filter(Q(pk=buyer.pk) | Q(referral_code=code) if code else Q(pk=buyer.pk))


def referrer_of(user: User) -> User | None:
    """Return the owner of the code that `user` registered with, if the account exists."""
    if user.referred_by_code is None:
        return None
    return User.objects.filter(referral_code=user.referred_by_code).first()
