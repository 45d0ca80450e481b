"""Whatever arrives at several workers at once is done once, to the cent, round after round."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, combinations
from random import Random
from typing import Any

import pytest
import requests

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.models import Payment
from payments.sandbox.models import CheckoutSession
from payments.tests import test_at_once
from payments.tests.at_once import at_once
from payments.tests.real_server import Server, serving
from payments.tests.stripe_events import deliver, dispute, event, pending_payment, refund
from payments.tests.test_at_once import outcomes_of, until_served
from payments.tests.whole_state import money_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROUNDS = 15 if os.environ.get("LONG") == "1" else 3

Ask = Callable[[], requests.Response]


@pytest.fixture(scope="module")
def server(sandbox_address: str) -> Iterator[Server]:
    with serving(workers=3, threads=4, STRIPE_API_BASE=sandbox_address) as server:
        yield server


@pytest.fixture(autouse=True, params=range(1, ROUNDS + 1), ids="round {}".format)
def round_number(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> int:
    record_property("races over http", {"rounds": 1})
    number: int = request.param
    return number


class TestRaces(test_at_once.Races):
    @pytest.fixture
    def deliver_all(self, server: Server) -> test_at_once.DeliverAll:
        return partial(outcomes_of, server.deliver)


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
        for build in (event, *mix):
            assert deliver(build(payment)).status_code == 200
        hasty.append(pair(f"hasty_{number}"))
        payment = pending_payment(hasty[-1][1].user, 1000)
        at_the_same_time += [build(payment) for build in (event, *mix)] * 2
    Random(round_number).shuffle(at_the_same_time)

    outcomes_of(server.deliver, *at_the_same_time)

    assert [end_of(*people) for people in hasty] == [end_of(*people) for people in calm]


def test_eight_simultaneous_checkouts_make_one_session(server: Server, charlie: Person) -> None:
    headers = {"Idempotency-Key": "one-click"}
    body = {"amount": 1000, "currency": "usd"}
    path = "/api/stripe/checkout-session"
    buy = partial(server.ask, "POST", path, body, key=charlie.api_key, **headers)

    answers = at_once(*[partial(until_served, buy)] * 8)

    session_id = Payment.objects.get().session_id
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["session_id"] for answer in answers} == {session_id}
    his = CheckoutSession.objects.filter(client_reference_id=str(charlie.user.pk))
    assert his.count() == 1


def test_one_name_registered_twenty_times_is_one_account(server: Server) -> None:
    def registration(number: int) -> Ask:
        email = f"charlie{number}@example.com"
        body = {"username": "charlie", "email": email, "auth_method": "email"}
        return partial(server.ask, "POST", "/auth/register", body)

    answers = at_once(*(partial(until_served, registration(number)) for number in range(20)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert User.objects.count() == 1
