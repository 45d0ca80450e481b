"""Makes up a history of some months, and lets the domain do all of it in the order of time."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from payments.demo.chance import Chance
from payments.demo.deliveries import Deliveries
from payments.demo.goodwill import Goodwill
from payments.demo.names import Names
from payments.demo.people import People
from payments.demo.purchases import Purchases
from payments.demo.reviews import Reviews
from payments.demo.timeline import Timeline

LASTS = timedelta(days=182)
# Sign-ups grow: half of all are in the last three tenths of the time.
GROWTH = 0.5
# How long before the end an event comes that fails to the end; within a day of what is tolerated.
STUCK_BEFORE = (timedelta(hours=17), timedelta(hours=9), timedelta(hours=2))
# Few enough to stay below 64 subtransactions: above that each slows down all the others.
AT_A_TIME = 25


@dataclass(frozen=True)
class Strand:
    """A part of the history whose people have nothing to do with those of the other parts."""

    seed: str
    number: int
    of: int
    users: int
    begins_at: datetime
    ends_at: datetime
    taken: Collection[str]
    operator: User


def unfold(strand: Strand) -> Iterator[Counter[str]]:
    """Let all of it happen, a transaction at a time; yield what has happened so far after each."""
    counts: Counter[str] = Counter()
    timeline = _prepare(strand, counts)
    goes_on = True
    while goes_on:
        with transaction.atomic():
            goes_on = timeline.go_on(AT_A_TIME)
        yield counts


def _prepare(strand: Strand, counts: Counter[str]) -> Timeline:
    """Arrange the sign-ups; whatever else is going to happen follows from them."""
    chance = Chance(f"{strand.seed}:{strand.number}")
    timeline = Timeline(strand.ends_at)
    deliveries = Deliveries(chance=chance, counts=counts)
    reviews = Reviews(by=strand.operator, chance=chance, timeline=timeline, counts=counts)
    purchases = Purchases(
        chance=chance,
        timeline=timeline,
        deliveries=deliveries,
        reviews=reviews,
        goodwill=Goodwill(by=strand.operator, timeline=timeline, counts=counts),
    )
    names = Names(chance.random, taken=strand.taken, strand=strand.number, strands=strand.of)
    people = People(
        chance=chance,
        names=names,
        timeline=timeline,
        counts=counts,
        on_customer=purchases.expect,
    )
    span = strand.ends_at - strand.begins_at
    for _ in range(strand.users):
        timeline.at(strand.begins_at + span * chance.random.random() ** GROWTH, people.sign_up)
    for before in STUCK_BEFORE[strand.number :: strand.of]:
        timeline.at(strand.ends_at - before, purchases.get_stuck)
    return timeline
