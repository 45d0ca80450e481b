"""How often things happen in the made-up history, how late, and for how much."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import Enum, auto
from math import log
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Invitee(Enum):
    """What there is to say of somebody who came with a code."""

    ORDINARY = auto()
    SAME_MAILBOX = auto()  # the referrer again, with a plus tag
    SAME_CARD = auto()  # the referrer again, under another name
    SAME_ADDRESS = auto()  # from the same household


class Checkout(Enum):
    """How a checkout ends."""

    PAID = auto()
    PAID_LATE = auto()  # by a method that takes days
    FAILED = auto()  # so, and the money did not come
    EXPIRED = auto()  # nobody paid


class Aftermath(Enum):
    """What becomes of a purchase that was paid."""

    NONE = auto()
    REPORTED_TWICE = auto()
    REFUNDED = auto()
    REFUNDED_PARTLY = auto()
    REFUND_FAILED = auto()
    DISPUTE_LOST = auto()
    DISPUTE_WON = auto()
    INQUIRY = auto()


class Ruling(Enum):
    """What an operator makes of a bonus that is held."""

    RELEASE = auto()
    VOID = auto()
    NONE_YET = auto()


# Cards are dealt, not thrown like dice: so each kind is there, however short the history.
_INVITEES = [Invitee.SAME_MAILBOX, Invitee.SAME_CARD, *[Invitee.SAME_ADDRESS] * 2]
INVITEES = [*_INVITEES, *[Invitee.ORDINARY] * 76]
CHECKOUTS = [
    *[Checkout.EXPIRED] * 3,
    Checkout.FAILED,
    *[Checkout.PAID_LATE] * 2,
    *[Checkout.PAID] * 44,
]
_TROUBLE = [kind for kind in Aftermath if kind is not Aftermath.NONE]
AFTERMATHS = [
    *_TROUBLE,
    *[Aftermath.REFUNDED] * 2,
    Aftermath.REFUNDED_PARTLY,
    *[Aftermath.NONE] * 80,
]
RULINGS = [Ruling.RELEASE, Ruling.VOID, Ruling.NONE_YET]

SHARE_INVITED = 0.47
SHARE_WITH_WRONG_CODE = 0.03
BUYS = {True: 0.33, False: 0.13}  # with a code, and without
BEGINS_SMALL = 0.18
BUYS_AGAIN = 0.35
BUYS_AFTER_SMALL = 0.6
TRIES_AGAIN = 0.5
IGNORED_EVENT, QUARANTINED_EVENT = 0.04, 0.012
HAS_SECOND_KEY, KEY_IS_REVOKED, USES_KEY = 0.08, 0.1, 0.35
ON_LEADERBOARD = 0.3

_AMOUNTS = {1000: 40, 1500: 6, 2000: 20, 2500: 12, 5000: 13, 10000: 6, 20000: 2, 50000: 1}
_SMALL_AMOUNTS = {100: 1, 200: 1, 300: 1, 500: 5, 800: 1}
# How many friends somebody tells of it: hardly anybody tells many.
_FRIENDS = {(0, 0): 800, (1, 2): 155, (3, 8): 39, (45, 75): 6}
MANY_FRIENDS = 70


class Chance:
    """A source of chance that gives the same for the same seed."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)
        self.invitees = self.deal(INVITEES)
        self.checkouts = self.deal(CHECKOUTS)
        self.aftermaths = self.deal(AFTERMATHS)
        self.rulings = self.deal(RULINGS)

    def deal(self, deck: Sequence[T]) -> Iterator[T]:
        """Return the cards of a deck in any order, and again when all of them are dealt."""
        while True:
            yield from self.random.sample(deck, len(deck))

    def happens(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, weights: dict[T, int]) -> T:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def amount(self) -> int:
        """Return what somebody buys for, in cents, enough to qualify."""
        return self.pick(_AMOUNTS)

    def small_amount(self) -> int:
        return self.pick(_SMALL_AMOUNTS)

    def friends(self) -> int:
        return self.random.randint(*self.pick(_FRIENDS))

    def days(self, median: float, spread: float = 0.6) -> timedelta:
        """Return a while of about `median` days, never nothing, now and then far longer."""
        return timedelta(days=self.random.lognormvariate(log(median), spread), seconds=20)

    def name(self, prefix: str) -> str:
        """Return an id as Stripe would give it."""
        return f"{prefix}_{self.random.getrandbits(96):024x}"
