"""People who register, buy and look, all the time; what each should have, and what failed."""

import itertools
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Event, Lock, Thread
from typing import Any

import requests

from gatewayz.dev.checkout import Refusal
from gatewayz.dev.waiting import wait_until
from gatewayz.dev.walkthrough import CARD

BUYERS, READERS = 2, 1
PAUSE_SECONDS = 0.15
TIMEOUT_SECONDS = 40
# Each friend of a referrer pays by another: one card for two of them would be self-dealing.
CARDS = ("4242 4242 4242 4242", "5555 5555 5555 4444", "3782 822463 10005")
_TOO_LATE = 120


class UnexpectedAnswer(Exception):
    """An answer that nothing of what befalls the production explains."""


@dataclass
class Person:
    """Somebody who registered, and what their balance should come to."""

    username: str
    api_key: str
    code: str
    expected: Decimal = Decimal(0)


@dataclass(frozen=True)
class Order:
    """Credits for $10 that a referred friend is about to pay for, at Stripe's address."""

    friend: Person
    referrer: Person
    url: str
    card: str


@dataclass
class Record:
    """What was asked during an exercise, and how it failed."""

    began: float = field(default_factory=time.monotonic)
    asked: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    last_failure: float | None = None

    @property
    def seconds_until_well(self) -> float:
        return 0.0 if self.last_failure is None else self.last_failure - self.began


class Traffic:
    """Threads that call the program as people do, through nginx with TLS."""

    def __init__(self, address: str, certificate: str) -> None:
        self._address, self._certificate = address, certificate
        self._lock, self._over, self._going = Lock(), Event(), Event()
        self._numbers = itertools.count(1)
        self.people: list[Person] = []
        self.record = Record()
        self.idle = [Event() for _ in range(BUYERS + READERS)]

    @contextmanager
    def running(self) -> Iterator[None]:
        acts = [self._buy] * BUYERS + [self._look] * READERS
        threads = [
            Thread(target=self._repeat, args=(act, idle), daemon=True)
            for act, idle in zip(acts, self.idle, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._going.set()
            for thread in threads:
                thread.join(TIMEOUT_SECONDS)

    def begin(self) -> Record:
        """Go on, and return a new record."""
        self.record = Record()
        self._going.set()
        return self.record

    def go_on(self) -> None:
        """Go on with the same record."""
        self._going.set()

    def pause(self) -> None:
        """Return when nobody is in the middle of anything."""
        self._going.clear()
        for idle in self.idle:
            if not idle.wait(TIMEOUT_SECONDS * 3):
                raise Refusal("a caller of the drill hangs")

    def pay(self, order: Order) -> None:
        """Pay on Stripe's page; both should have their money then."""
        form = CARD | {
            "email": f"{order.friend.username}@example.com",
            "cardholder_name": order.friend.username,
            "card_number": order.card,
        }
        while True:
            try:
                paid = requests.post(
                    order.url, data=form, allow_redirects=False, timeout=TIMEOUT_SECONDS
                )
            except requests.ConnectionError:
                # The sandbox starts again with another secret.
                time.sleep(PAUSE_SECONDS)
            else:
                break
        if paid.status_code != requests.codes.see_other:
            raise UnexpectedAnswer(f"Stripe's page answered {paid.status_code}")
        with self._lock:
            order.friend.expected += 20
            order.referrer.expected += 10

    def order(self) -> list[Order]:
        """Let three friends of somebody new order credits for $10 each, and pay nothing yet."""
        referrer = self._register(None)
        if referrer is None:
            return []
        friends = [(self._register(referrer), card) for card in CARDS]
        return [self._check_out(friend, referrer, card) for friend, card in friends if friend]

    def wait_until_paid(self, orders: list[Order]) -> None:
        """Wait until everybody who paid can see their credits."""
        for order in orders:
            while not self.balance(order.friend).json()["credits"]:
                time.sleep(PAUSE_SECONDS)

    def balance(self, person: Person) -> requests.Response:
        return self._ask("GET", "/user/balance", person)

    def _repeat(self, act: Any, idle: Event) -> None:
        while not self._over.is_set():
            if not self._going.is_set():
                idle.set()
                self._going.wait()
                idle.clear()
                continue
            try:
                act()
            except UnexpectedAnswer as answer:
                with self._lock:
                    self.record.unexpected.append(str(answer))
            time.sleep(PAUSE_SECONDS)

    def _buy(self) -> None:
        """Somebody invites three friends, who buy."""
        for order in self.order():
            self.pay(order)

    def _register(self, referrer: Person | None) -> Person | None:
        """Register somebody; None when an answer got lost, and nobody has the key."""
        name = f"drill-{next(self._numbers)}-{secrets.token_hex(3)}"
        body = {"username": name, "email": f"{name}@example.com", "auth_method": "email"}
        if referrer:
            body["referral_code"] = referrer.code
        answer = self._ask("POST", "/auth/register", json=body)
        if answer.status_code == requests.codes.conflict:
            return None
        found = answer.json()
        person = Person(name, found["api_key"], found["referral_code"])
        with self._lock:
            self.people.append(person)
        return person

    def _check_out(self, friend: Person, referrer: Person, card: str) -> Order:
        """Let a friend order credits for $10."""
        body = {"amount": 1000, "currency": "usd"}
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        path = "/api/stripe/checkout-session"
        answer = self._ask("POST", path, friend, json=body, headers=headers)
        return Order(friend, referrer, str(answer.json()["url"]), card)

    def _look(self) -> None:
        with self._lock:
            person = secrets.choice(self.people) if self.people else None
        if person:
            self.balance(person)

    def _ask(
        self, method: str, path: str, person: Person | None = None, **request: Any
    ) -> requests.Response:
        """Send a request, and again for as long as it fails in a way that says so."""
        headers = request.pop("headers", {})
        if person:
            headers["Authorization"] = f"Bearer {person.api_key}"
        record = self.record
        while not self._over.is_set():
            with self._lock:
                record.asked += 1
            try:
                answer = requests.request(
                    method,
                    self._address + path,
                    headers=headers,
                    verify=self._certificate,
                    timeout=TIMEOUT_SECONDS,
                    **request,
                )
            except requests.RequestException as error:
                self._failed(record, type(error).__name__)
                continue
            if answer.ok or answer.status_code == requests.codes.conflict:
                return answer
            self._failed(record, str(answer.status_code))
            if answer.status_code != requests.codes.service_unavailable:
                raise UnexpectedAnswer(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        raise UnexpectedAnswer(f"{method} {path} was not answered before the end")

    def _failed(self, record: Record, kind: str) -> None:
        with self._lock:
            record.failed[kind] += 1
            record.last_failure = time.monotonic()
        time.sleep(PAUSE_SECONDS)


def wait_for_balances(people: list[Person], read: Callable[[], dict[str, Decimal]]) -> list[str]:
    """Wait until everybody has what they should; return who has not, after two minutes.

    `read` returns the balances by username. Stripe tries again after up to a minute.
    """
    wrong: list[str] = []

    def refusal() -> str:
        balances = read()
        wrong[:] = [
            f"{person.username} has {balances.get(person.username)}, not {person.expected}"
            for person in people
            if balances.get(person.username) != person.expected
        ]
        return " ".join(wrong)

    with suppress(Refusal):
        wait_until(refusal, _TOO_LATE)
    return wrong
