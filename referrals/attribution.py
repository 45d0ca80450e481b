"""Attributes a referee to a referrer: once, at registration or soon after it (CONTRACT 2.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts import audit, constraints, emails, people, permissions
from accounts.models import Email, LedgerEntry, User
from accounts.registration import CodeTakenError, create_account
from referrals import codes
from referrals.codes import FoundCode
from referrals.errors import ReferralError
from referrals.models import Program

# The database's guard `users_attributed_once` has the same.
CLAIM_PERIOD = timedelta(days=7)


class Refusal(StrEnum):
    """Why a code cannot be used; the values are the messages of the API (CONTRACT 1)."""

    NOT_FOUND = "Code not found"
    EXHAUSTED = "Referral code has reached maximum uses"
    OWN = "Cannot use your own referral code"
    NOT_FIRST = "Referral code can only be used on first purchase"
    ANOTHER = "You have already used a different referral code"
    RING = "Cannot use the code of somebody who came by your invitation"


class ClaimRefusedError(ReferralError):
    """The person can claim no code any more; `code` is for programs."""

    code = ""
    sentence = ""

    def __init__(self) -> None:
        super().__init__(self.sentence)


class AlreadyInvitedError(ClaimRefusedError):
    code = "already_invited"
    sentence = "the account has an inviter already, which never changes"


class AlreadyBoughtError(ClaimRefusedError):
    code = "already_bought"
    sentence = "a code can be claimed only before the first purchase"


class ClaimTooLateError(ClaimRefusedError):
    code = "claim_too_late"
    sentence = f"a code can be claimed only within {CLAIM_PERIOD.days} days of registration"


class OwnInvitationError(ReferralError):
    """The operator would receive part of the bonus."""


@dataclass(frozen=True)
class CheckedCode:
    """The owner of a code that can be used, or the refusal; neither if no code was given."""

    owner: User | None = None
    remaining_uses: int | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Registration:
    """A new user, their API key, shown only once, and why the invitation was refused, if it was."""

    user: User
    api_key: str
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
            user, api_key = create_account(
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
        return Registration(user=user, api_key=api_key, refusal=checked.refusal)
    raise codes.NoFreeCodeError


def require_may_claim(user: User, *, now: datetime) -> None:
    """Raise ClaimRefusedError unless `user` can still claim a code, whichever it is."""
    if user.referred_by_code is not None:
        raise AlreadyInvitedError
    if user.ledger_entries.filter(kind=LedgerEntry.Kind.PURCHASE).exists():
        raise AlreadyBoughtError
    if now >= user.created_at + CLAIM_PERIOD:
        raise ClaimTooLateError


def claim(user: User, typed: object, *, now: datetime) -> CheckedCode:
    """Attribute `user` to the owner of the code, from now on.

    With a code that cannot be used nothing changes, and the refusal says why. What settled before
    stays as it is; the promised terms are those in force now (CONTRACT 2.12).
    Raises ClaimRefusedError.
    """
    require_may_claim(user, now=now)
    checked = check_code(codes.find(typed, now=now), person=user)
    if checked.owner is None:
        return checked
    code = checked.owner.referral_code
    try:
        # Race: a purchase may settle now, or another claim be made. The database decides, when it
        # has locked the person's row.
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(referred_by_code=code, claimed_at=now)
            signed_up = Email.Template.FRIEND_SIGNED_UP
            emails.enqueue(signed_up, checked.owner, cause_id=user.pk, now=now)
    except IntegrityError as error:
        guard = constraints.violated(error)
        if guard == "users_claim_no_ring":
            return CheckedCode(refusal=Refusal.RING)
        if guard not in _GUARDS:
            raise
        raise _GUARDS[guard] from error
    user.referred_by_code, user.claimed_at = code, now
    return checked


_GUARDS: dict[str, type[ClaimRefusedError]] = {
    "users_attributed_once": AlreadyInvitedError,
    "users_claim_before_purchases": AlreadyBoughtError,
    "users_claim_in_time": ClaimTooLateError,
}


@transaction.atomic
def set_inviter(user: User, typed: object, *, by: User, reason: str, now: datetime) -> CheckedCode:
    """Claim a code for a person, as an operator.

    Raises PermissionMissingError, SuperuserRequiredError, ReasonMissingError, OwnInvitationError
    and ClaimRefusedError.
    """
    permissions.require("accounts.set_inviter", by=by)
    people.require_manageable(user, by=by)
    claimed = claim(user, typed, now=now)
    if by in (user, claimed.owner):
        raise OwnInvitationError("you would receive part of the bonus: another operator must do it")
    if claimed.owner:
        audit.record(
            by=by,
            action="set inviter",
            target=user,
            reason=reason,
            before={"referred_by_code": None},
            after={"referred_by_code": user.referred_by_code},
            now=now,
        )
    return claimed


def buyer_and_referrer(buyer: User) -> QuerySet[User]:
    """Return both accounts that a purchase of `buyer` can credit."""
    code = buyer.referred_by_code
    return User.objects.filter(Q(pk=buyer.pk) | Q(referral_code=code) if code else Q(pk=buyer.pk))


def referrer_of(user: User) -> User | None:
    """Return the owner of the code that `user` registered with or claimed, if it exists."""
    if user.referred_by_code is None:
        return None
    return User.objects.filter(referral_code=user.referred_by_code).first()
