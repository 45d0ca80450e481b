"""Lets made-up people register, tell their friends, and use their keys."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import api_keys
from accounts.models import ApiKey, User
from payments.demo.chance import (
    BUYS,
    HAS_SECOND_KEY,
    KEY_IS_REVOKED,
    MANY_FRIENDS,
    ON_LEADERBOARD,
    SHARE_INVITED,
    SHARE_WITH_WRONG_CODE,
    USES_KEY,
    Chance,
    Invitee,
)
from payments.demo.names import Name, Names
from payments.demo.timeline import Timeline
from referrals import attribution, invite_views

KEY_NAMES = {"laptop": 4, "production": 3, "staging": 2, "ci": 2, "notebook": 1, "my editor": 1}
WAYS_IN = dict(zip(User.AuthMethod, (50, 5, 5, 25, 15), strict=True))
WRONG_CODES = {"WELCOME1": 3, "GATEWAYZ": 2, "free credits": 1}


@dataclass(eq=False)
class Person:
    """Somebody in the history, with what the program does not keep of them."""

    user: User
    api_key: str
    name: Name
    address: str
    card: str
    referrer: "Person | None" = None
    kind: Invitee = Invitee.ORDINARY

    @property
    def deals_with_himself(self) -> bool:
        return self.kind in (Invitee.SAME_MAILBOX, Invitee.SAME_CARD)


class People:
    """Who is there so far, and who of them still has a friend to tell of it."""

    def __init__(
        self,
        *,
        chance: Chance,
        names: Names,
        timeline: Timeline,
        counts: Counter[str],
        on_customer: Callable[[Person, datetime], None],
    ) -> None:
        self._chance = chance
        self._names = names
        self._timeline = timeline
        self._counts = counts
        self._on_customer = on_customer
        self._tellers: list[Person] = []

    def sign_up(self, *, now: datetime) -> None:
        """Register the next person, with a friend's code, a wrong one, or none."""
        referrer = self._somebody_who_tells()
        kind = next(self._chance.invitees) if referrer else Invitee.ORDINARY
        person = self._register(referrer, kind, now=now)
        self._count(person)
        is_first = not self._tellers and self._counts["users"] == 1
        self._tellers += [person] * (MANY_FRIENDS if is_first else self._chance.friends())
        self._live_on(person, now)
        if person.deals_with_himself or self._chance.happens(BUYS[person.referrer is not None]):
            self._on_customer(person, now)

    def _somebody_who_tells(self) -> Person | None:
        if not self._tellers or not self._chance.happens(SHARE_INVITED):
            return None
        place = self._chance.random.randrange(len(self._tellers))
        self._tellers[place], self._tellers[-1] = self._tellers[-1], self._tellers[place]
        return self._tellers.pop()

    def _register(self, referrer: Person | None, kind: Invitee, *, now: datetime) -> Person:
        name = self._names.new()
        address = self._chance.name("address")
        email, card = name.email(), self._chance.name("card")
        if referrer and kind is Invitee.SAME_MAILBOX:
            email = referrer.name.email(tag=name.username)
        if referrer and kind is Invitee.SAME_CARD:
            card = referrer.card
        if referrer and kind is not Invitee.ORDINARY:
            address = referrer.address
        self._look(referrer, now=now)
        registration = attribution.register(
            username=name.username,
            email=email,
            auth_method=self._chance.pick(WAYS_IN),
            invitation=self._code(referrer),
            address=address,
            now=now,
        )
        account = registration.account
        person = Person(account.user, account.api_key, name, address, card)
        if referrer and registration.refusal is None:
            person.referrer, person.kind = referrer, kind
        return person

    def _look(self, referrer: Person | None, *, now: datetime) -> None:
        """Let the friend look at the invitation first, and others who then do not come."""
        if referrer is None:
            return
        for _ in range(1 + self._counts["invited"] % 3):
            invite_views.count_view(owner=referrer.user, now=now)

    def _code(self, referrer: Person | None) -> str | None:
        if referrer:
            return referrer.user.referral_code
        if self._chance.happens(SHARE_WITH_WRONG_CODE):
            return self._chance.pick(WRONG_CODES)
        return None

    def _count(self, person: Person) -> None:
        self._counts["users"] += 1
        self._counts["invited"] += person.referrer is not None

    def _live_on(self, person: Person, now: datetime) -> None:
        """Arrange what somebody does with an account besides buying."""
        if self._chance.happens(USES_KEY):
            self._timeline.at(now + self._chance.days(12, 1.5), self._use_key, person)
        if self._chance.happens(HAS_SECOND_KEY):
            self._timeline.at(now + self._chance.days(6), self._make_key, person)
        if self._chance.happens(ON_LEADERBOARD):
            self._timeline.at(now + timedelta(minutes=5), self._show, person)

    def _use_key(self, person: Person, *, now: datetime) -> None:
        api_keys.identify(person.api_key, now=now)

    def _make_key(self, person: Person, *, now: datetime) -> None:
        name = self._chance.pick(KEY_NAMES)
        key, text = api_keys.create_another(user=person.user, name=name, now=now)
        self._counts["keys"] += 1
        api_keys.identify(text, now=now)
        if self._chance.happens(KEY_IS_REVOKED):
            self._timeline.at(now + self._chance.days(20), self._revoke, key)

    def _revoke(self, key: ApiKey, *, now: datetime) -> None:
        api_keys.revoke(key, now=now)

    def _show(self, person: Person, *, now: datetime) -> None:
        person.user.show_on_leaderboard = True
        person.user.save(update_fields=["show_on_leaderboard"])
