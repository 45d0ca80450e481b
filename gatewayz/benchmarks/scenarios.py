"""What is measured: the requests of each operation, to us and to the peer."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from gatewayz.benchmarks import stripe_payloads
from gatewayz.benchmarks.loader import Order, add_orders, code_of, key_of
from gatewayz.benchmarks.peers import EVERYONE, OURS, TUNED
from gatewayz.benchmarks.request import Request

_batches = count()

# Makes so many requests.
Maker = Callable[[int], list[Request]]


@dataclass(frozen=True)
class Scenario:
    """An operation, how often it is asked for in a round, and its requests."""

    name: str
    operations: int
    requests: Maker
    ways: tuple[str, ...] = (OURS, TUNED)
    is_settlement: bool = False


def key(person: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_of(person)}"}


def settlement(order: Order) -> Request:
    """Return the signed event that the order was paid."""
    body = stripe_payloads.paid(
        session_id=order.session_id,
        payment_id=order.payment_id,
        user_id=order.user_id,
        amount=1000,
    )
    signature = {"Stripe-Signature": stripe_payloads.signature(body)}
    return Request("POST", stripe_payloads.WEBHOOK, body.decode(), signature)


def settlements(operations: int, *, per_code: int) -> list[Request]:
    orders = add_orders(_batch_name(), operations, codes=max(operations // per_code, 1))
    return [settlement(order) for order in orders]


def _batch_name() -> str:
    """Return two letters that no other batch of people has."""
    return "".join(string.ascii_uppercase[place] for place in divmod(next(_batches), 26))


def in_turn(people: int, make: Callable[[int], Request]) -> Maker:
    """Return a function that makes requests, each for the next person."""
    return lambda operations: [make(1 + number % people) for number in range(operations)]


def read(path: str, person: int) -> Request:
    return Request("GET", path, headers=key(person))


def validation(person: int) -> Request:
    return Request("POST", "/referral/validate", {"referral_code": code_of(person)})


def checkout(person: int) -> Request:
    order = {"amount": 1000, "currency": "usd"}
    return Request("POST", "/api/stripe/checkout-session", order, key(person))


def registrations(operations: int, *, codes: int) -> list[Request]:
    """Return the requests of new people, who use so many codes in turn, or none."""
    batch = _batch_name()
    bodies = [
        {
            "username": f"new{batch}{number}",
            "email": f"new{batch}{number}@example.com",
            "auth_method": "email",
        }
        | ({"referral_code": code_of(1 + number % codes)} if codes else {})
        for number in range(operations)
    ]
    return [Request("POST", "/auth/register", body) for body in bodies]


def scenarios(people: int, *, writes: int, reads_each: int) -> list[Scenario]:
    """Return what is measured with so many people, of whom each has friends and a key."""

    def settle_one_code(operations: int) -> list[Request]:
        return settlements(operations, per_code=operations)

    def reading(name: str, make: Callable[[int], Request]) -> Scenario:
        return Scenario(name, reads_each, in_turn(people, make))

    settle = partial(settlements, per_code=8)
    return [
        Scenario("settle", writes, settle, EVERYONE, is_settlement=True),
        Scenario("settle, one code", writes, settle_one_code, (OURS,), is_settlement=True),
        Scenario("checkout", writes, in_turn(people, checkout)),
        Scenario("sign-up", writes, partial(registrations, codes=0)),
        Scenario("sign-up with a code", writes, partial(registrations, codes=people)),
        reading("validate", validation),
        reading("code", partial(read, "/referral/code")),
        reading("balance", partial(read, "/user/balance")),
        reading("stats", partial(read, "/referral/stats")),
    ]
