"""Killed at any statement, with PostgreSQL or without, an event ends as if nothing had happened.

Nothing is counted by hand: a statement that the program gains is a moment to die at.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import Any

import pytest
import requests

from accounts.tests.factories import Person, register
from payments.models import Payment
from payments.reports.invariants import breaches
from payments.tests import dying_server
from payments.tests.dying_server import DIES_AT, MOMENTS, POSTMASTER
from payments.tests.own_postgres import OwnPostgres
from payments.tests.real_server import Server, serving
from payments.tests.stripe_events import deliver, dispute, event, pending_payment, refund
from payments.tests.whole_state import State, events_of, money_of

pytestmark = pytest.mark.slow

REDELIVERIES = 10
Telling = Callable[[Payment], dict[str, Any]]


@dataclass(frozen=True)
class Scene:
    """Alice, Bob and his purchase, before the last event."""

    alice: Person
    bob: Person
    event: dict[str, Any]

    def money(self) -> State:
        return money_of(self.alice, self.bob)

    def whole(self) -> State:
        return self.money() | events_of(self.event["id"])


@dataclass(frozen=True)
class Story:
    """The events of a purchase; the server dies during the last of them."""

    last: Telling
    before: tuple[Telling, ...] = ()

    def begin(self) -> Scene:
        name = token_hex(4)
        alice = register(f"alice_{name}")
        bob = register(f"bob_{name}", code=alice.code)
        payment = pending_payment(bob.user, 1000)
        for build in self.before:
            assert deliver(build(payment)).status_code == 200
        return Scene(alice, bob, self.last(payment))


full_refund = partial(refund, cents=1000)
disputed = partial(dispute, cents=1000)

STORIES = {
    "a settlement that pays both bonuses": Story(event),
    "a full refund that reverses both": Story(full_refund, (event,)),
    "a dispute opened": Story(disputed, (event,)),
    "a dispute won": Story(partial(disputed, status="won"), (event, disputed)),
    "a refund that a settlement adopts": Story(event, (full_refund,)),
}


@dataclass(frozen=True)
class Uninterrupted:
    """How a story begins and ends when nobody dies, and how many moments it has."""

    begin: State
    end: State
    whole_end: State
    moments: int


def tell(story: Story, server: Server) -> Uninterrupted:
    # A worker's first request has no open connection to look after; no other one is like it.
    server.ask("GET", "/readyz")
    scene = story.begin()
    begin = scene.money()
    answer = server.deliver(scene.event)
    assert answer.status_code == 200
    assert breaches() == []
    return Uninterrupted(begin, scene.money(), scene.whole(), int(answer.headers[MOMENTS]))


def wrongs(
    scene: Scene, between: State, redelivered: requests.Response, uninterrupted: Uninterrupted
) -> str:
    """Return the names of what is wrong after the crash and the redelivery."""
    end, broken = scene.whole(), breaches()
    checks = {
        f"a part without the rest: {between}": between in (uninterrupted.begin, uninterrupted.end),
        f"redelivery answered {redelivered.status_code}": redelivered.status_code == 200,
        f"the end is {end}": end == uninterrupted.whole_end,
        f"the ledger: {broken}": not broken,
    }
    return "; ".join(wrong for wrong, is_right in checks.items() if not is_right)


def redeliver(server: Server, event: dict[str, Any]) -> requests.Response:
    """Deliver until there is an answer, as Stripe does.

    For a moment the socket of the worker that died still takes connections.
    """
    for _ in range(REDELIVERIES - 1):
        with suppress(requests.ConnectionError):
            return server.deliver(event)
    return server.deliver(event)


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Server]:
    with serving(dying_server.command) as server:
        yield server


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STORIES)
def test_a_kill_at_any_moment_does_not_change_the_end(
    name: str, server: Server, record_property: Callable[[str, object], None]
) -> None:
    story = STORIES[name]
    uninterrupted = tell(story, server)

    betweens: list[State] = []
    wrong: dict[int, str] = {}
    for moment in range(uninterrupted.moments):
        scene = story.begin()
        with pytest.raises(requests.ConnectionError):
            server.deliver(scene.event, **{DIES_AT: f"{moment}"})
        betweens.append(scene.money())
        redelivered = redeliver(server, scene.event)
        if found := wrongs(scene, betweens[-1], redelivered, uninterrupted):
            wrong[moment] = found

    record_property("crashes", {"kills": len(betweens), "wrong": len(wrong)})
    assert wrong == {}
    # The first died before anything was done, the last when all of it was.
    assert (betweens[0], betweens[-1]) == (uninterrupted.begin, uninterrupted.end)


@pytest.fixture
def server_there(there: None) -> Iterator[Server]:
    with serving(dying_server.command) as server:
        yield server


def a_few(moments: int) -> list[int]:
    """Return some moments, and those before and after the last COMMIT."""
    last_commit = moments - 2
    return [*range(1, last_commit, moments // 3), last_commit, last_commit + 1]


@pytest.mark.parametrize(
    "name", ["a settlement that pays both bonuses", "a full refund that reverses both"]
)
def test_postgresql_stopped_at_once_loses_nothing_and_keeps_no_part(
    name: str,
    postgres: OwnPostgres,
    server_there: Server,
    record_property: Callable[[str, object], None],
) -> None:
    story = STORIES[name]
    uninterrupted = tell(story, server_there)

    betweens: list[State] = []
    wrong: dict[int, str] = {}
    for moment in a_few(uninterrupted.moments):
        scene = story.begin()
        strike = {DIES_AT: f"{moment}", POSTMASTER: f"{postgres.postmaster}"}
        broken_off = server_there.deliver(scene.event, **strike)
        postgres.restart()
        betweens.append(scene.money())
        redelivered = server_there.deliver(scene.event)
        if found := wrongs(scene, betweens[-1], redelivered, uninterrupted):
            wrong[moment] = found
        if broken_off.status_code != 503 and betweens[-1] != uninterrupted.end:
            wrong[moment] = f"answered {broken_off.status_code} for nothing"

    record_property("crashes", {"stops of PostgreSQL": len(betweens), "wrong": len(wrong)})
    assert wrong == {}
    assert (betweens[0], betweens[-1]) == (uninterrupted.begin, uninterrupted.end)
