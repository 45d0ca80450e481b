"""Sends the mixed traffic by locust, and prints how it was answered, as JSON.

`python -m gatewayz.benchmarks.traffic_load FILE`: the file is the JSON of what to send. `port` is
the server's; `people` have id, key and code; `batch` begins the names of new ones; `session_key` is
the operator's; each of `steps` is so many `callers` for some `seconds`, each with an iteration in
`pace` seconds, or without a pause when that is 0. A process of its own, so that its work is not
counted as the server's, and without Django: gevent replaces threads and sockets.
"""

import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant
from locust.env import Environment
from locust.runners import LocalRunner
from locust.stats import RequestStats

from gatewayz.benchmarks import HOST, stripe_payloads

AMOUNT = BONUS = 1000  # cents
DELIVERED_TWICE, REFUNDED, BOUGHT_BY_A_NEWCOMER = 0.05, 0.01, 0.5
PROXY = {"Host": HOST, "X-Forwarded-Proto": "https"}  # the proxy in front has ended TLS
PAGES = (
    "/admin/",
    "/admin/accounts/user/",
    "/admin/accounts/user/?q=person77",
    "/admin/accounts/user/1/change/",
    "/admin/accounts/ledgerentry/?kind=purchase",
    "/admin/payments/payment/?status=paid",
    "/admin/payments/stripeevent/",
    "/admin/referrals/referral/",
)
SECONDS_BETWEEN_PAGES = 2
# Callers come one after the other, so many a second.
ARRIVING = 50
# What is being asked when the traffic ends is answered still.
STOP_SECONDS = 60


@dataclass(frozen=True)
class Person:
    """Somebody with an API key; `referrer_id` is who invited them, if anybody did."""

    user_id: int
    key: str
    code: str
    referrer_id: int | None = None


@dataclass
class Plan:
    """What all users share; `pace` is the seconds between two iterations of one caller."""

    people: list[Person]
    batch: str
    session_key: str
    pace: float = 0
    iterations: int = 0
    signed_up: int = 0
    newcomers: list[Person] = field(default_factory=list)
    expected: Counter[int] = field(default_factory=Counter)  # cents by user

    def next_buyer(self) -> Person:
        """Return a newcomer, once each, or somebody who has bought before."""
        if self.newcomers and random.random() < BOUGHT_BY_A_NEWCOMER:
            return self.newcomers.pop()
        return random.choice(self.people)

    def book(self, buyer: Person, sign: int) -> None:
        """Expect what a purchase brings, or with a `sign` of -1 what its refund takes."""
        self.expected[buyer.user_id] += sign * AMOUNT
        if buyer.referrer_id is not None:
            self.expected[buyer.user_id] += sign * BONUS
            self.expected[buyer.referrer_id] += sign * BONUS


class _Asking(FastHttpUser):
    """Sends requests, and counts each answer that is not the expected one as an error."""

    abstract = True
    plan: Plan
    network_timeout = connection_timeout = 30.0

    def ask(
        self, name: str, method: str, path: str, *, status: int = 200, **options: Any
    ) -> dict[str, Any] | None:
        """Return the JSON of the answer, or None when the answer is not the expected one."""
        headers = PROXY | options.pop("headers", {})
        with self.client.request(
            method, path, name=name, catch_response=True, headers=headers, **options
        ) as answer:
            if answer.status_code != status:
                answer.failure(f"{answer.status_code} {(answer.text or '')[:300]}")
                return None
            is_json = answer.headers.get("Content-Type", "").startswith("application/json")
            content: dict[str, Any] = answer.json() if is_json else {}
            return content


class Caller(_Asking):
    """People who use the API, and Stripe, which delivers their events."""

    _due = 0.0

    def on_start(self) -> None:
        self._due = time.monotonic()

    def wait_time(self) -> float:
        """Keep to the plan's pace: an iteration that began late is made up for."""
        self.plan.iterations += 1
        self._due += self.plan.pace
        return max(0, self._due - time.monotonic())

    def balance(self) -> None:
        self._read("balance", "/user/balance")

    def stats(self) -> None:
        self._read("stats", "/referral/stats")

    def code(self) -> None:
        self._read("code", "/referral/code")

    def validate(self) -> None:
        code = random.choice(self.plan.people).code
        self.ask("validate", "POST", "/referral/validate", json={"referral_code": code})

    def sign_up(self) -> None:
        self._register("sign-up", None)

    def sign_up_with_a_code(self) -> None:
        self._register("sign-up with a code", random.choice(self.plan.people))

    def buy(self) -> None:
        buyer = self.plan.next_buyer()
        session = self.ask(
            "checkout",
            "POST",
            "/api/stripe/checkout-session",
            status=201,
            json={"amount": AMOUNT, "currency": "usd"},
            headers=_authorization(buyer),
        )
        if session is None:
            return
        paid = stripe_payloads.paid(
            session_id=session["session_id"],
            payment_id=session["payment_id"],
            user_id=buyer.user_id,
            amount=AMOUNT,
        )
        self.plan.book(buyer, 1)
        self._deliver("settle", paid, "settled")
        if random.random() < REFUNDED:
            refund = stripe_payloads.refunded(session_id=session["session_id"], amount=AMOUNT)
            self.plan.book(buyer, -1)
            self._deliver("refund", refund, "applied")

    # How often each is done, of a hundred times.
    tasks = {
        balance: 30,
        stats: 15,
        code: 10,
        validate: 20,
        sign_up: 5,
        sign_up_with_a_code: 5,
        buy: 15,
    }

    def _read(self, name: str, path: str) -> None:
        self.ask(name, "GET", path, headers=_authorization(random.choice(self.plan.people)))

    def _register(self, name: str, referrer: Person | None) -> None:
        self.plan.signed_up += 1
        username = f"{self.plan.batch}{self.plan.signed_up}"
        body = {
            "username": username,
            "email": f"{username}@example.com",
            "auth_method": "email",
            "referral_code": referrer.code if referrer else None,
        }
        made = self.ask(name, "POST", "/auth/register", status=201, json=body)
        if made is not None:
            referrer_id = referrer.user_id if referrer else None
            person = Person(made["user_id"], made["api_key"], made["referral_code"], referrer_id)
            self.plan.newcomers.append(person)

    def _deliver(self, name: str, event: bytes, outcome: str) -> None:
        """Deliver an event, some twice: at once, or one after the other."""
        is_twice, is_at_once = random.random() < DELIVERED_TWICE, random.random() < 0.5
        first = gevent.spawn(self._deliver_once, name, event, outcome)
        if is_twice:
            if not is_at_once:
                first.join()
            self._deliver_once(f"{name}, again", event, outcome)
        first.get()

    def _deliver_once(self, name: str, event: bytes, outcome: str) -> None:
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": stripe_payloads.signature(event),
        }
        path = stripe_payloads.WEBHOOK
        answer = self.ask(name, "POST", path, data=event, headers=headers)
        if answer is not None and answer["outcome"] != outcome:
            raise RuntimeError(f"{name}: {answer}")


class Operator(_Asking):
    """One member of staff who looks through the pages of the admin."""

    fixed_count = 1
    wait_time = constant(SECONDS_BETWEEN_PAGES)

    def look(self) -> None:
        cookie = {"Cookie": f"sessionid={self.plan.session_key}"}
        # Without a session the answer would be the page to log in.
        self.ask("admin page", "GET", random.choice(PAGES), headers=cookie, allow_redirects=False)

    tasks = (look,)


def _authorization(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.key}"}


def run(order: dict[str, Any]) -> dict[str, Any]:
    people = [Person(*one) for one in order["people"]]
    plan = Plan(people, order["batch"], order["session_key"])
    Caller.plan = Operator.plan = plan
    environment = Environment(
        user_classes=[Caller, Operator],
        host=f"http://127.0.0.1:{order['port']}",
        stop_timeout=STOP_SECONDS,
    )
    runner = environment.create_local_runner()
    rates = [_step(runner, plan, **step) for step in order["steps"]]
    runner.stop()
    failures = environment.stats.errors.values()
    return {
        "rates": rates,
        "operations": _operations(environment.stats),
        "errors": [
            *(f"{one.occurrences} × {one.name}: {one.error}" for one in failures),
            *(f"{one['count']} × {one['msg']}" for one in runner.exceptions.values()),
        ],
        "expected": plan.expected,
    }


def _operations(stats: RequestStats) -> dict[str, dict[str, float]]:
    """Return how many there were of each, and how long they took, in milliseconds."""
    return {
        entry.name: {
            "count": entry.num_requests,
            "errors": entry.num_failures,
            "p50": entry.get_response_time_percentile(0.5),
            "p99": entry.get_response_time_percentile(0.99),
            "most": round(entry.max_response_time),
        }
        for entry in stats.entries.values()
    }


def _step(runner: LocalRunner, plan: Plan, callers: int, seconds: float, pace: float) -> float:
    """Return the iterations a second."""
    plan.pace = pace
    runner.start(callers + 1, spawn_rate=ARRIVING)
    gevent.sleep((callers + 1) / ARRIVING)
    started, before = time.monotonic(), plan.iterations
    gevent.sleep(seconds)
    return (plan.iterations - before) / (time.monotonic() - started)


if __name__ == "__main__":
    print(json.dumps(run(json.loads(Path(sys.argv[1]).read_text()))))
