"""Whatever arrives at several workers at once is done once, to the cent, round after round."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, combinations
from random import Random
from threading import Barrier
from typing import Any

import pytest
import requests

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.models import Payment, StripeEvent
from payments.sandbox.models import CheckoutSession
from payments.tests.real_server import Server, serving
from payments.tests.stripe_events import deliver, dispute, event, pending_payment, refund
from payments.tests.whole_state import money_of
from referrals.models import Referral

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROUNDS = 15 if os.environ.get("LONG") == "1" else 3
PATIENCE_SECONDS = 10
PATIENT_RETRIES = 20

Ask = Callable[[], requests.Response]


@pytest.fixture(scope="module")
def server(sandbox_address: str) -> Iterator[Server]:
    with serving(workers=3, threads=4, STRIPE_API_BASE=sandbox_address) as server:
        yield server


@pytest.fixture(autouse=True, params=range(1, ROUNDS + 1), ids="round {}".format)
def round_number(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> int:
    record_property("races over gunicorn", {"rounds": 1})
    number: int = request.param
    return number


def at_once(*asks: Ask) -> list[requests.Response]:
    """Ask all of it from one start, each again after a 503 that invites to it."""
    start = Barrier(len(asks))

    def run(ask: Ask) -> requests.Response:
        start.wait(PATIENCE_SECONDS)
        return until_served(ask)

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(run, asks))


def until_served(ask: Ask) -> requests.Response:
    for _ in range(PATIENT_RETRIES):
        answer = ask()
        if answer.status_code != 503:
            break
        assert "Retry-After" in answer.headers
    return answer


def deliver_at_once(server: Server, *events: Mapping[str, Any]) -> Counter[str]:
    """Deliver all of them at once and count what became of them."""
    answers = at_once(*(partial(server.deliver, one) for one in events))
    assert {answer.status_code for answer in answers} == {200}
    return Counter(answer.json()["outcome"] for answer in answers)


def test_one_event_sent_sixty_times_credits_once(
    server: Server, alice: Person, bob: Person
) -> None:
    paid = event(pending_payment(bob.user, 1000))

    outcomes = deliver_at_once(server, *[paid] * 60)

    assert outcomes == {"settled": 60}
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert StripeEvent.objects.get().last_error == ""


def test_thirty_events_of_one_session_credit_once(
    server: Server, alice: Person, bob: Person
) -> None:
    payment = pending_payment(bob.user, 1000)

    outcomes = deliver_at_once(server, *(event(payment) for _ in range(30)))

    assert outcomes == {"settled": 1, "repeated": 29}
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def test_eight_first_purchases_earn_one_pair_of_bonuses(
    server: Server, alice: Person, bob: Person
) -> None:
    payments = [pending_payment(bob.user, 1000) for _ in range(8)]

    outcomes = deliver_at_once(server, *map(event, payments))

    assert outcomes == {"settled": 8}
    assert (alice.balance(), bob.balance()) == ("10.00", "90.00")
    assert Payment.objects.filter(bonus_decision="awarded").count() == 1


def test_forty_referees_of_one_code_use_it_ten_times(server: Server, alice: Person) -> None:
    friends = [register(f"friend{n}", code=alice.code) for n in range(40)]

    outcomes = deliver_at_once(server, *(event(pending_payment(friend.user)) for friend in friends))

    assert outcomes == {"settled": 40}
    assert alice.balance() == "100.00"
    assert Counter(friend.balance() for friend in friends) == {"10.00": 30, "20.00": 10}
    assert sorted(Referral.objects.values_list("use_number", flat=True)) == list(range(1, 11))


def test_alice_buys_while_her_referral_pays_her(server: Server, alice: Person) -> None:
    friends = [register(f"friend{n}", code=alice.code) for n in range(10)]
    buyers = [buyer for friend in friends for buyer in (alice, friend)]

    outcomes = deliver_at_once(
        server, *(event(pending_payment(buyer.user, 1234)) for buyer in buyers)
    )

    assert outcomes == {"settled": 20}
    assert alice.balance() == "223.40"
    assert {friend.balance() for friend in friends} == {"22.34"}


CLAWBACKS: tuple[Callable[[Payment], dict[str, Any]], ...] = (
    partial(refund, cents=600),
    partial(refund, cents=600, status="failed"),
    partial(dispute, cents=1000),
    partial(dispute, cents=1000, status="won"),
)
MIXES = list(chain.from_iterable(combinations(CLAWBACKS, count) for count in (1, 2, 3, 4)))


def pair(name: str) -> tuple[Person, Person]:
    alice = register(f"alice_{name}")
    return alice, register(f"bob_{name}", code=alice.code)


def end_of(alice: Person, bob: Person) -> list[Any]:
    """Return the end but for the entries: which of them there are depends on the order."""
    money = money_of(alice, bob)
    clawbacks = sorted((kind, status, taken) for kind, status, _, taken, *_ in money["clawbacks"])
    referral = [(status, qualifies) for status, _, _, _, qualifies, *_ in money["referrals"]]
    return [money["balances"], money["payments"], referral, clawbacks]


def test_settlement_refund_and_dispute_at_once_end_as_one_after_the_other(
    server: Server, round_number: int
) -> None:
    """Every mix of them, each event twice."""
    calm, hasty, at_the_same_time = [], [], []
    for number, mix in enumerate(MIXES):
        calm.append(pair(f"calm_{number}"))
        payment = pending_payment(calm[-1][1].user, 1000)
        for told in (event, *mix):
            assert deliver(told(payment)).status_code == 200
        hasty.append(pair(f"hasty_{number}"))
        payment = pending_payment(hasty[-1][1].user, 1000)
        at_the_same_time += [told(payment) for told in (event, *mix)] * 2
    Random(round_number).shuffle(at_the_same_time)

    deliver_at_once(server, *at_the_same_time)

    assert [end_of(*people) for people in hasty] == [end_of(*people) for people in calm]


def test_eight_simultaneous_checkouts_make_one_session(server: Server, charlie: Person) -> None:
    headers = {"Idempotency-Key": "one-click"}
    body = {"amount": 1000, "currency": "usd"}
    path = "/api/stripe/checkout-session"
    buy = partial(server.ask, "POST", path, body, key=charlie.api_key, **headers)

    answers = at_once(*[buy] * 8)

    session_id = Payment.objects.get().session_id
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["session_id"] for answer in answers} == {session_id}
    assert CheckoutSession.objects.count() == 1


def test_one_name_registered_twenty_times_is_one_account(server: Server) -> None:
    def registration(number: int) -> Ask:
        email = f"charlie{number}@example.com"
        body = {"username": "charlie", "email": email, "auth_method": "email"}
        return partial(server.ask, "POST", "/auth/register", body)

    answers = at_once(*map(registration, range(20)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert User.objects.count() == 1
