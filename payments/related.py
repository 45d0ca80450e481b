"""Accounts that may be one person's, each with its evidence; and how they are closed together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value

from accounts import ledger, people
from accounts.models import User
from accounts.transactions import retry_on_deadlock
from payments.errors import PaymentError
from payments.models import Payment
from referrals import review
from referrals.models import Referral

# Of each kind of evidence: many may share the address of a school, or one popular code.
MOST = 50
# Who signs up by one code so soon after one another may be one person.
NEAR = timedelta(minutes=10)
HOLD_REASON = "related accounts were closed together"


class ChangedMeanwhileError(PaymentError):
    """One of the accounts got another bonus between the reading and the locks."""


@dataclass(frozen=True)
class Related:
    """An account, and why it may be the same person's; the strongest evidence first."""

    user: User
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Closed:
    """What was closed together: who is deactivated now, and whose bonuses are held."""

    people: int
    bonuses: int


def related_to(user: User) -> list[Related]:
    """Return the accounts that share something with `user`, those with most in common first."""
    found: dict[int, list[str]] = defaultdict(list)
    for pk, evidence in _shared(user):
        found[pk].append(evidence)
    known = User.objects.in_bulk(found)
    for pk, other in known.items():
        if apart := _signed_up_apart(user, other):
            found[pk].append(apart)
    related = [Related(known[pk], tuple(shared)) for pk, shared in found.items()]
    return sorted(related, key=lambda one: (-len(one.evidence), -one.user.pk))


def _shared(user: User) -> Iterator[tuple[int, str]]:
    """Yield who shares what, in one query; an index serves each part of it."""
    users = User.objects.order_by().exclude(pk=user.pk)
    by_card = Payment.objects.by_card_of(user).exclude(user=user)
    parts: list[QuerySet] = [
        by_card.values_list("user", F("pk"), Value("one card: payment #{}"))[:MOST]
    ]
    for evidence, condition in _conditions(user):
        parts.append(users.filter(condition).values_list("pk", "pk", Value(evidence))[:MOST])
    told = set()
    for other, detail, evidence in reduce(lambda one, two: one.union(two, all=True), parts):
        if (other, evidence) not in told:  # several payments by one card
            told.add((other, evidence))
            yield other, evidence.format(detail)


def _conditions(user: User) -> Iterator[tuple[str, Q]]:
    if user.mailbox:
        yield "one mailbox", Q(mailbox=user.mailbox)
    if user.signup_address:
        yield "one network address at sign-up", Q(signup_address=user.signup_address)
    if user.referral_code:
        yield "invited by this person", Q(referred_by_code=user.referral_code)
    if user.referred_by_code:
        yield "invited this person", Q(referral_code=user.referred_by_code)
        by_one_code = Q(referred_by_code=user.referred_by_code)
        near = (user.created_at - NEAR, user.created_at + NEAR)
        # Two parts: of many by one code those who came at that time must not be missed.
        yield "invited by the same person", by_one_code & Q(created_at__range=near)
        yield "invited by the same person", by_one_code


def _signed_up_apart(user: User, other: User) -> str:
    """Return how soon after one another both signed up by one code; empty when it means nothing."""
    apart = abs(user.created_at - other.created_at)
    if user.referred_by_code is None or user.referred_by_code != other.referred_by_code:
        return ""
    minutes = round(apart.total_seconds() / 60)
    return f"signed up {minutes or 'less than 1'} min apart by one code" if apart <= NEAR else ""


@retry_on_deadlock
@transaction.atomic
def close(chosen: Sequence[int], *, by: User | None, reason: str, now: datetime) -> Closed:
    """Deactivate these accounts and hold their bonuses, all of it or nothing.

    A bonus that an operator has released or voided stays as it was decided. Raises
    PermissionMissingError, OwnAccountError, SuperuserRequiredError, OwnBonusError,
    ChangedMeanwhileError and ReasonMissingError.
    """
    bonuses = _undecided(chosen)
    sides = set(chain.from_iterable((one.referrer_id, one.referred_user_id) for one in bonuses))
    locked = ledger.lock_accounts(User.objects.filter(pk__in=sides.union(chosen)))
    # With the locks nobody gets another bonus; one that came before them has an account that is
    # not locked.
    bonuses = _undecided(chosen)
    if (
        not {one.referrer_id for one in bonuses}.union(one.referred_user_id for one in bonuses)
        <= locked.keys()
    ):
        raise ChangedMeanwhileError("there is a new bonus: look at it, and repeat this")
    closing = [locked[pk] for pk in sorted(chosen) if locked[pk].is_active]
    for person in closing:
        people.deactivate(person, by=by, reason=reason, now=now)
    for bonus in bonuses:
        review.hold(bonus.pk, reason=HOLD_REASON, now=now, by=by, note=reason)
    return Closed(len(closing), len(bonuses))


def _undecided(chosen: Iterable[int]) -> list[Referral]:
    """Return the bonuses of these people, on either side, that nobody has looked at."""
    theirs = Q(referrer__in=chosen) | Q(referred_user__in=chosen)
    return list(Referral.objects.filter(theirs, review=Referral.Review.NONE).order_by("pk"))
