"""What happens in the demo's half year, how often, and how long it takes.

An activity is a generator: each `yield` says how long it takes until the next step. The steps of
all activities are done in the order of time.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from math import log
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import OperationalError, transaction

from accounts import adjustments, people
from accounts.models import Adjustment, User
from payments import cards, checkout, event_store, inbox
from payments.demo import stripe
from payments.demo.names import new_names
from payments.demo.stripe import AFTER_PAYMENT, CARD, CHECKOUTS
from payments.models import Payment
from payments.reports import daily, leaderboard
from payments.sandbox.objects import Json
from payments.sandbox.payment_methods import Method
from payments.stripe_objects import read_checkout_session
from referrals import attribution, invite_views, review
from referrals.models import Program, Referral

T = TypeVar("T")
Activity = Iterator[timedelta]
MINUTE = timedelta(minutes=1)
LASTS = timedelta(days=182)
OPERATOR = "demo.reviewer"

# Probabilities.
INVITED = 0.47
BUYS_IF_INVITED, BUYS_UNINVITED, BUYS_AGAIN = 0.4, 0.15, 0.4
ON_LEADERBOARD = 0.3
# Weights, see `History.pick`.
SUSPECTS = (1, "same mailbox"), (1, "same card"), (1, "same card")  # one for each decision
INVITEES = (115, "ordinary"), (3, "same address"), *SUSPECTS
INVITATIONS = (850, 0), (110, 1), (40, 5), (8, 60)
AMOUNTS = (12, 500), (40, 1000), (20, 2000), (12, 2500), (13, 5000), (6, 10000), (1, 50000)
# The large gift is above the usual limit, and waits for a second person.
GIFTS = (4, Decimal(5)), (1, Decimal(150))
DECISIONS = (1, "release"), (1, "void"), (1, "none yet")
# Sign-ups grow: half of all are in the last three tenths of the time.
GROWTH = 0.5
GIFT_EVERY = timedelta(days=12)
# How long before the end an event comes that fails ever since: so that the worker's next attempt is
# after the end, and less than the day after which an invariant breaks.
FAILS_BEFORE_END = (timedelta(hours=16), timedelta(hours=9), timedelta(hours=2))
# Few enough to stay below 64 subtransactions: above that each slows down all the others.
STEPS_PER_TRANSACTION = 10


@dataclass(frozen=True)
class Person:
    """Somebody in the history; `referrer` may be the same person with another account."""

    user: User
    address: str
    card: Method
    referrer: "Person | None"
    is_referrer: bool


class History:
    """The people of the history, what they, the operator and Stripe do, and what time it is.

    In an empty database it is always the same history, but for codes and Stripe's ids. Where there
    are users already, others are added. Raises Program.DoesNotExist.
    """

    def __init__(self, *, ends_at: datetime) -> None:
        first_terms = Program.objects.approved().filter(starts_at__lt=ends_at).earliest("starts_at")
        taken = {name.lower() for name in User.objects.values_list("username", flat=True)}
        self.random = Random(f"1:{len(taken)}")
        self.names = new_names(self.random, taken=taken)
        self.now = max(ends_at - LASTS, first_terms.starts_at)
        self.ends_at = ends_at
        self.operator = _operator(now=self.now)
        # The number decides between two steps of one moment; activities cannot be compared.
        self.steps: list[tuple[datetime, int, Activity]] = []
        self.numbers = count()
        self.unpicked: dict[int, list[Any]] = {}
        self.referrers: list[Person] = []  # each as often as they are going to invite somebody
        self.customers: list[Person] = []

    def make(self, *, users: int, on_registered: Callable[[], None]) -> None:
        """Let so many people register, and everything happen that follows from it."""
        span = self.ends_at - self.now
        for _ in range(users):
            after = span * self.random.random() ** GROWTH
            self.start(self.live(on_registered), after=after)
        self.start(self.give_credits())
        for before in FAILS_BEFORE_END:
            self.start(self.fail_to_process(), after=span - before)
        while self.steps:
            with transaction.atomic():
                for _ in range(min(STEPS_PER_TRANSACTION, len(self.steps))):
                    self.now, _, activity = heapq.heappop(self.steps)
                    if (wait := next(activity, None)) is not None:
                        self.start(activity, after=wait)
        # The figures kept of closed days, and the leaderboard, were made without this history.
        daily.clear()
        leaderboard.refresh(now=self.ends_at)

    def start(self, activity: Activity, *, after: timedelta = timedelta()) -> None:
        """Let an activity begin, or go on, after a while; after the end nothing happens."""
        at = self.now + after
        if at <= self.ends_at:
            heapq.heappush(self.steps, (at, next(self.numbers), activity))

    def happens(self, probability: float) -> bool:
        return self.random.random() < probability

    def days(self, median: float) -> timedelta:
        """Return a time of about `median` days, now and then far longer."""
        return timedelta(days=self.random.lognormvariate(log(median), 0.6), seconds=20)

    def pick(self, weighted: tuple[tuple[int, T], ...]) -> T:
        """Return each value once, then by weight: so even a short history has each of them."""
        values = [value for _, value in weighted]
        if id(weighted) not in self.unpicked:
            self.unpicked[id(weighted)] = self.random.sample(values, len(values))
        unpicked: list[T] = self.unpicked[id(weighted)]
        if unpicked:
            return unpicked.pop()
        return self.random.choices(values, [weight for weight, _ in weighted])[0]

    def live(self, on_registered: Callable[[], None]) -> Activity:
        """Register somebody, and let them use the account and buy."""
        person = self.register()
        on_registered()
        if person.referrer and person.is_referrer:
            # One card is found on both sides once both have paid.
            yield from self.buy(person.referrer, 500, CARD)
            yield from self.buy(person, 1000, CARD)
            return
        self.referrers += [person] * self.pick(INVITATIONS)
        probability = BUYS_IF_INVITED if person.referrer else BUYS_UNINVITED
        while self.happens(probability):
            yield self.days(8)
            yield from self.buy(person, self.pick(AMOUNTS), self.pick(CHECKOUTS))
            probability = BUYS_AGAIN

    def register(self) -> Person:
        """Register somebody with the code of a referrer, or without."""
        name, referrer, kind = next(self.names), None, "ordinary"
        email, address = f"{name}@demo.example.com", name
        card = replace(CARD, number=f"4{self.random.randrange(10**15):015}")
        if self.referrers and self.happens(INVITED):
            referrer = self.referrers.pop(self.random.randrange(len(self.referrers)))
            kind = self.pick(INVITEES)
            address = address if kind == "ordinary" else referrer.address
            card = referrer.card if kind == "same card" else card
            if kind == "same mailbox":
                email = referrer.user.email.replace("@", f"+{name}@")
            for _ in range(self.random.randint(1, 3)):
                invite_views.find_and_count(referrer.user.referral_code, now=self.now)
        registration = attribution.register(
            username=name,
            email=email,
            auth_method=self.random.choice(User.AuthMethod.values),
            invitation=referrer and referrer.user.referral_code,
            address=address,
            now=self.now,
        )
        user = registration.user
        if self.happens(ON_LEADERBOARD):
            user.show_on_leaderboard = True
            user.save(update_fields=["show_on_leaderboard"])
        if registration.refusal:  # the code is used up
            referrer, kind = None, "ordinary"
        is_referrer = kind in {"same mailbox", "same card"}
        return Person(user, address, card, referrer, is_referrer)

    def buy(self, person: Person, cents: int, method: Method | None) -> Activity:
        """Let somebody check out, and pay by this method, if by any."""
        payment = self.check_out(person, cents)
        method = person.card if method is CARD else method
        if method:
            yield MINUTE
            stripe.pay(payment, method, now=self.now)
        if method is not person.card:
            yield self.days(2)
            stripe.report(now=self.now)
        payment.refresh_from_db()
        if payment.status != Payment.Status.PAID or method is None:
            return
        referral = payment.referral
        held = [referral] if referral and referral.status == Referral.Status.HELD else []
        yield MINUTE
        # What the job would have learned from Stripe, so that it need not ask.
        fingerprint = method.details.get("card", {}).get("fingerprint", "")
        held += cards.record_card(payment, fingerprint, now=self.now)
        for suspect in held:
            self.start(self.decide_on(suspect))
        if not person.is_referrer:
            self.customers.append(person)
            what, detail = self.pick(AFTER_PAYMENT)
            # Nobody disputes what was paid from a bank account.
            if what != "dispute" or fingerprint:
                self.start(self.follow_up(payment, what, detail))

    def check_out(self, person: Person, cents: int) -> Payment:
        site = f"{settings.FRONTEND_URL}/payment"
        order = checkout.Order(cents, "usd", f"{site}/success", f"{site}/cancel")
        payment = checkout.record(user=person.user, order=order, idempotency_key=None, now=self.now)
        session = read_checkout_session(stripe.open_session(payment, now=self.now))
        checkout.attach_session(payment, session)
        return payment

    def follow_up(self, payment: Payment, what: str, detail: Json) -> Activity:
        match what:
            case "another event":
                yield MINUTE
                event = stripe.another_event(payment, detail, now=self.now)
                inbox.receive(event, now=self.now)
            case "refund":
                yield self.days(4)
                stripe.refund(payment, **detail, now=self.now)
            case "dispute":
                yield self.days(18)
                dispute_id = stripe.dispute(payment, now=self.now)
                yield self.days(20)
                stripe.decide(dispute_id, **detail, now=self.now)

    def decide_on(self, referral: Referral) -> Activity:
        """Let the operator decide on a held bonus; the account of a cheat is deactivated."""
        decision = self.pick(DECISIONS)
        if decision == "none yet":
            return
        yield self.days(2)
        if decision == "release":
            note = "A couple who share a card; both use their accounts."
            review.release(referral.pk, by=self.operator, note=note, now=self.now)
        else:
            note = "One person with two accounts."
            review.void(referral.pk, by=self.operator, note=note, now=self.now)
            people.deactivate(referral.referred_user, by=self.operator, reason=note, now=self.now)

    def give_credits(self) -> Activity:
        """Let the operator give credits to a customer now and then."""
        while True:
            yield GIFT_EVERY
            if self.customers:
                adjustments.request_adjustment(
                    user=self.random.choice(self.customers).user,
                    amount=self.pick(GIFTS),
                    category=Adjustment.Category.GOODWILL,
                    reason="Sorry for the outage",
                    by=self.operator,
                    token=UUID(int=self.random.getrandbits(128)),
                    now=self.now,
                )

    def fail_to_process(self) -> Activity:
        """Let an event come that fails however often Stripe delivers it."""
        if not self.customers:
            return
        payment = self.check_out(self.random.choice(self.customers), 2000)
        yield MINUTE
        paid = {"payment_status": "paid", "payment_intent": f"pi_demo{payment.pk}"}
        body = stripe.another_event(payment, paid, now=self.now)
        event = event_store.read(body, received_at=self.now)
        pause = 10 * MINUTE
        while True:
            error = OperationalError("canceling statement due to lock timeout")
            event_store.store_failure(event, error, now=self.now)
            yield pause
            pause *= 2


def _operator(*, now: datetime) -> User:
    """Return who reviews and gives credits: one of Finance that nobody can log in as."""
    defaults = {
        "email": f"{OPERATOR}@example.com",
        "is_staff": True,
        "password": make_password(None),
        "created_at": now,
    }
    operator = User.objects.get_or_create(username=OPERATOR, defaults=defaults)[0]
    operator.groups.add(Group.objects.get(name="Finance"))
    return operator
