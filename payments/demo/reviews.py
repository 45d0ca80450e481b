"""Lets an operator decide on the bonuses that are held in the made-up history."""

from collections import Counter
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from accounts.models import User
from payments.demo.chance import Chance, Ruling
from payments.demo.timeline import Timeline
from referrals import review
from referrals.models import Referral

OPERATOR = "demo.reviewer"
_WHY_RELEASED = (
    "A couple who share a card; both use their accounts.",
    "Two people of one office, confirmed by e-mail.",
    "Checked by phone: brother and sister.",
)
_WHY_VOIDED = (
    "One person with two accounts.",
    "Same person: the second account was never used.",
    "Admitted that both accounts are theirs.",
)


def operator(*, now: datetime) -> User:
    """Return who decides: one of Finance that nobody can log in as."""
    defaults = {
        "email": f"{OPERATOR}@example.com",
        "is_staff": True,
        "password": make_password(None),
        "created_at": now,
    }
    person = User.objects.get_or_create(username=OPERATOR, defaults=defaults)[0]
    person.groups.add(Group.objects.get(name="Finance"))
    return person


class Reviews:
    """The operator's work: not all of it is done at the end."""

    def __init__(
        self, *, by: User, chance: Chance, timeline: Timeline, counts: Counter[str]
    ) -> None:
        self._by = by
        self._chance = chance
        self._timeline = timeline
        self._counts = counts

    def expect(self, referral: Referral, now: datetime) -> None:
        """Arrange that somebody looks at a referral that is held, in a few days or not yet."""
        self._counts["held"] += 1
        ruling = next(self._chance.rulings)
        if ruling is not Ruling.NONE_YET:
            self._timeline.at(now + self._chance.days(2), self._decide, referral.pk, ruling)

    def _decide(self, referral_id: int, ruling: Ruling, *, now: datetime) -> None:
        choose = self._chance.random.choice
        if ruling is Ruling.RELEASE:
            review.release(referral_id, by=self._by, note=choose(_WHY_RELEASED), now=now)
            self._counts["released"] += 1
        else:
            review.void(referral_id, by=self._by, note=choose(_WHY_VOIDED), now=now)
            self._counts["voided"] += 1
