"""Runs each scenario against the program and its peers in turn, and measures what each has cost."""

import argparse
import hashlib
import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from gatewayz.benchmarks import load, loader, report, statements
from gatewayz.benchmarks.peers import Way, first_way, tuned_schema, ways
from gatewayz.benchmarks.processes import STRIPE, RunningServer, cpu_seconds, serving
from gatewayz.benchmarks.report import Figures, Measured
from gatewayz.benchmarks.request import Request
from gatewayz.benchmarks.scenarios import Scenario, scenarios

CONNECTIONS = 4
REFERRERS = 1000
WARM_UP = 200
COUNTED = 40  # operations whose statements are counted


@dataclass(frozen=True)
class _Running:
    """A way that is served now."""

    way: Way
    server: RunningServer


def compare(options: argparse.Namespace, postgres: Path) -> None:
    """Fill the empty database, measure, and print; `postgres` is the folder of PostgreSQL."""
    fill()
    found: Figures = {}
    rounds, writes, reads_each = (2, 300, 800) if options.short else (5, 1000, 3000)
    with ExitStack() as stack:
        stripe = stack.enter_context(serving("Stripe", STRIPE, {}))
        running = [
            _Running(way, stack.enter_context(serving(way.name, way.command, way.environment)))
            for way in ways(options.server, f"http://127.0.0.1:{stripe.port}")
        ]
        for scenario in scenarios(REFERRERS, writes=writes, reads_each=reads_each):
            if scenario.name.startswith(options.only):
                takes_part = [one for one in running if one.way.name in scenario.ways]
                found[scenario.name] = _measure(scenario, takes_part, rounds, postgres)
                print(report.table(scenario.name, found[scenario.name]), flush=True)
    report.finish(found, options)


def fill() -> None:
    """Give the empty database people with friends, a key and an order, and the peers' tables."""
    loader.fill(REFERRERS)
    with connection.cursor() as cursor:
        for schema in (tuned_schema.SCHEMA, first_way.SCHEMA, "CREATE SCHEMA djstripe"):
            cursor.execute(schema)
        people = range(1, REFERRERS + 1)
        rows = [(hashlib.sha256(loader.key_of(n).encode()).hexdigest(), n) for n in people]
        cursor.executemany("INSERT INTO peer.keys VALUES (%s, %s)", rows)
    _copy_people()
    loader.tidy()


def _measure(
    scenario: Scenario, running: list[_Running], rounds: int, postgres: Path
) -> dict[str, list[Measured]]:
    """Measure in rounds, one way after the other; the ratios are of the same round."""
    found: dict[str, list[Measured]] = {one.way.name: [] for one in running}
    postmaster = int((postgres / "cluster" / "postmaster.pid").read_text().split()[0])
    log = postgres / "postgresql.log"
    counts = {one.way.name: _count(scenario, one, log) for one in running}
    for _ in range(rounds):
        for one in running:
            found[one.way.name].append(_round(scenario, one, counts[one.way.name], postmaster))
    return found


def _count(scenario: Scenario, one: _Running, log: Path) -> tuple[float, float]:
    """Warm up, and count the statements of an operation."""
    _run(scenario, one, _requests(scenario, WARM_UP // one.way.slow))
    requests = _requests(scenario, COUNTED)
    sent, transaction_commands = statements.count(lambda: _run(scenario, one, requests), log)
    return sent / COUNTED, transaction_commands / COUNTED


def _round(
    scenario: Scenario, one: _Running, counts: tuple[float, float], postmaster: int
) -> Measured:
    requests = _requests(scenario, scenario.operations // one.way.slow)
    settled = _events(one.way)
    processes = one.server.process.pid, postmaster
    before = [cpu_seconds(pid) for pid in processes]
    answered = _run(scenario, one, requests)
    after = [cpu_seconds(pid) for pid in processes]
    if scenario.is_settlement and _events(one.way) != settled + len(requests):
        raise RuntimeError(f"{scenario.name}: {one.way.name} has not recorded each event")
    server_cpu, postgres_cpu = (
        (end - start) * 1000 / len(requests) for start, end in zip(before, after, strict=True)
    )
    return Measured(
        server_cpu=server_cpu,
        postgres_cpu=postgres_cpu,
        per_second=len(requests) / answered["seconds"],
        p50=answered["p50"],
        p99=answered["p99"],
        statements=counts[0],
        transaction_commands=counts[1],
    )


def _requests(scenario: Scenario, operations: int) -> list[Request]:
    requests = scenario.requests(operations)
    _copy_people()
    return requests


def _copy_people() -> None:
    """Give the peers the people and orders that we have."""
    with connection.cursor() as cursor:
        cursor.execute(tuned_schema.COPY_PEOPLE)
        cursor.execute(first_way.COPY_PEOPLE)


def _events(way: Way) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {way.events}")
        number: int = cursor.fetchone()[0]
    return number


def _run(scenario: Scenario, one: _Running, requests: list[Request]) -> dict[str, Any]:
    finished = subprocess.run(
        [sys.executable, "-m", load.__name__, str(one.server.port), str(CONNECTIONS)],
        input=json.dumps([request.to_wire() for request in requests]).encode(),
        check=True,
        capture_output=True,
    )
    answered: dict[str, Any] = json.loads(finished.stdout)
    if not set(answered["statuses"]) <= {"200", "201"}:
        raise RuntimeError(f"{scenario.name}: {one.way.name} answered {answered['statuses']}")
    return answered
