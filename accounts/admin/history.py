"""What operators did to people, and to the keys, adjustments and bonuses that are theirs."""

from collections.abc import Iterator
from functools import reduce

from django.db.models import Q, QuerySet

from accounts.models import Adjustment, ApiKey, AuditEntry, User
from accounts.people import listed
from payments.models import StripeEvent
from referrals.models import Referral


def about(people: list[int]) -> Iterator[Q]:
    """Match the entries about the people of these ids, or anything of theirs.

    An index serves each way.
    """
    owners = listed(people)
    for theirs in (
        User.objects.filter(pk__in=owners),
        ApiKey.objects.filter(user__in=owners),
        Adjustment.objects.filter(user__in=owners),
        Referral.objects.filter(referrer__in=owners),
        Referral.objects.filter(referred_user__in=owners),
        StripeEvent.objects.filter(payment__user__in=owners),
    ):
        yield Q(target_type=theirs.model._meta.label_lower, target_id__in=theirs.values("pk"))


def history_of(user: User) -> QuerySet[AuditEntry]:
    """Return all that operators did to the person, the newest first."""
    entries = AuditEntry.objects.order_by()
    found = reduce(QuerySet.union, (entries.filter(way).values("pk") for way in about([user.pk])))
    return AuditEntry.objects.filter(pk__in=found).order_by("-pk")
