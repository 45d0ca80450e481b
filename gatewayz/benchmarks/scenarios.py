"""What is measured: the requests of each operation, to us and to the peer."""

import json
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from gatewayz.benchmarks import HOST, stripe_payloads
from gatewayz.benchmarks.loader import Order, add_orders, code_of, key_of
from gatewayz.benchmarks.peers import EVERYONE, OURS, TUNED

_batches = count()


@dataclass(frozen=True)
class Scenario:
    """An operation, how often it is asked for in a round, and its requests."""

    name: str
    operations: int
    requests: Callable[[int], list[bytes]]
    ways: tuple[str, ...] = (OURS, TUNED)
    is_settlement: bool = False


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request as it goes over the wire; the proxy in front has ended TLS."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "X-Forwarded-Proto: https"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def settlement(order: Order) -> bytes:
    """Return the signed event that the order was paid."""
    body = stripe_payloads.paid(
        session_id=order.session_id,
        payment_id=order.payment_id,
        user_id=order.user_id,
        amount=1000,
    )
    signature = stripe_payloads.signature(body)
    return request("POST", stripe_payloads.WEBHOOK, body, Stripe_Signature=signature)


def settlements(operations: int, *, per_code: int) -> list[bytes]:
    batch = _batch_name(next(_batches))
    orders = add_orders(batch, operations, codes=max(operations // per_code, 1))
    return [settlement(order) for order in orders]


def _batch_name(number: int) -> str:
    """Return two letters that no other batch of people has."""
    return string.ascii_uppercase[number // 26] + string.ascii_uppercase[number % 26]


def reads(method: str, path: str, people: int) -> Callable[[int], list[bytes]]:
    """Return the maker of reads by person after person, each with their own key."""

    def make(operations: int) -> list[bytes]:
        return [
            request(method, path, Authorization=f"Bearer {key_of(person)}")
            for person in _in_turn(operations, people)
        ]

    return make


def validations(people: int) -> Callable[[int], list[bytes]]:
    def make(operations: int) -> list[bytes]:
        return [
            request(
                "POST",
                "/referral/validate",
                json.dumps({"referral_code": code_of(person)}).encode(),
            )
            for person in _in_turn(operations, people)
        ]

    return make


def checkouts(people: int) -> Callable[[int], list[bytes]]:
    body = json.dumps({"amount": 1000, "currency": "usd"}).encode()

    def make(operations: int) -> list[bytes]:
        return [
            request(
                "POST",
                "/api/stripe/checkout-session",
                body,
                Authorization=f"Bearer {key_of(person)}",
            )
            for person in _in_turn(operations, people)
        ]

    return make


def registrations(people: int, *, is_invited: bool) -> Callable[[int], list[bytes]]:
    """Return the maker of new people; those who are invited use the code of one of `people`."""

    def make(operations: int) -> list[bytes]:
        batch = _batch_name(next(_batches))
        bodies: list[dict[str, str]] = [
            {
                "username": f"new{batch}{number}",
                "email": f"new{batch}{number}@example.com",
                "auth_method": "email",
            }
            | ({"referral_code": code_of(person)} if is_invited else {})
            for number, person in enumerate(_in_turn(operations, people))
        ]
        return [request("POST", "/auth/register", json.dumps(body).encode()) for body in bodies]

    return make


def _in_turn(operations: int, people: int) -> Iterator[int]:
    return (1 + number % people for number in range(operations))


def scenarios(people: int, *, writes: int, reads_each: int) -> list[Scenario]:
    """Return what is measured with so many people, of whom each has friends and a key."""

    def settle(name: str, per_code: int | None, ways: tuple[str, ...]) -> Scenario:
        def make(n: int) -> list[bytes]:
            return settlements(n, per_code=per_code or n)

        return Scenario(name, writes, make, ways, is_settlement=True)

    return [
        settle("settle", 8, EVERYONE),
        settle("settle, one code", None, (OURS,)),
        Scenario("checkout", writes, checkouts(people)),
        Scenario("sign-up", writes, registrations(people, is_invited=False)),
        Scenario("sign-up with a code", writes, registrations(people, is_invited=True)),
        Scenario("validate", reads_each, validations(people)),
        Scenario("code", reads_each, reads("GET", "/referral/code", people)),
        Scenario("balance", reads_each, reads("GET", "/user/balance", people)),
        Scenario("stats", reads_each, reads("GET", "/referral/stats", people)),
    ]
