"""Runs each scenario against the program and the peer in turn, and says what each has cost."""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection

from gatewayz.benchmarks import load, loader, peer
from gatewayz.benchmarks.processes import PEER, SERVERS, RunningServer, cpu_seconds, serving
from gatewayz.benchmarks.scenarios import Scenario, scenarios

CONNECTIONS = 4
REFERRERS = 1000
WARM_UP = 200


@dataclass(frozen=True)
class Measured:
    """What one round of a scenario took; CPU and times in milliseconds an operation."""

    server_cpu: float
    postgres_cpu: float
    per_second: float
    p50: float
    p99: float

    @property
    def cpu(self) -> float:
        return self.server_cpu + self.postgres_cpu


def compare(options: argparse.Namespace, postmaster: int) -> None:
    """Fill the empty database, measure, and print; `postmaster` is PostgreSQL's process."""
    _fill()
    found = _measure_all(options, postmaster)
    _report(found, options.json)


def _fill() -> None:
    call_command("migrate", verbosity=0)
    size = loader.Size(REFERRERS * (loader.FRIENDS + 2), purchases_each=1, referrers=REFERRERS)
    loader.load(size)
    loader.add_keys(1, REFERRERS)
    with connection.cursor() as cursor:
        cursor.execute(peer.SCHEMA)
        cursor.execute(peer.COPY_PEOPLE)
        rows = [(hashlib.sha256(loader.key_of(n).encode()).hexdigest(), n) for n in _keyed()]
        cursor.executemany("INSERT INTO peer.keys VALUES (%s, %s)", rows)
    loader.tidy()


def _keyed() -> range:
    return range(1, REFERRERS + 1)


def _measure_all(
    options: argparse.Namespace, postmaster: int
) -> dict[str, dict[str, list[Measured]]]:
    """Measure each scenario in rounds, the program and the peer in turn."""
    rounds, settles, asks = (2, 400, 1000) if options.short else (5, 1000, 3000)
    found: dict[str, dict[str, list[Measured]]] = {}
    with ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(serving(name, command, {}))
            for name, command in (("ours", SERVERS[options.server]), ("peer", PEER))
        )
        for scenario in scenarios(REFERRERS, settles=settles, asks=asks):
            if not scenario.name.startswith(options.only):
                continue
            servers = [ours, theirs] if scenario.has_peer else [ours]
            of_scenario = found.setdefault(scenario.name, {})
            for server in servers:
                _run(server, scenario.requests(WARM_UP))
            for _ in range(rounds):
                for server in servers:
                    measured = _round(server, scenario, postmaster)
                    of_scenario.setdefault(server.name, []).append(measured)
            print(_line(scenario.name, of_scenario), flush=True)
    return found


def _round(server: RunningServer, scenario: Scenario, postmaster: int) -> Measured:
    requests = scenario.requests(scenario.operations)
    if server.name == "peer":
        with connection.cursor() as cursor:
            cursor.execute(peer.COPY_PEOPLE)
    before = cpu_seconds(server.process.pid), cpu_seconds(postmaster)
    answered = _run(server, requests)
    after = cpu_seconds(server.process.pid), cpu_seconds(postmaster)
    if set(answered["statuses"]) != {"200"}:
        raise RuntimeError(f"{scenario.name}: {server.name} answered {answered['statuses']}")
    each = 1000 / len(requests)
    return Measured(
        server_cpu=(after[0] - before[0]) * each,
        postgres_cpu=(after[1] - before[1]) * each,
        per_second=len(requests) / answered["seconds"],
        p50=answered["p50"],
        p99=answered["p99"],
    )


def _run(server: RunningServer, requests: list[bytes]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(load.pack(requests))
        file.flush()
        command = [sys.executable, "-m", load.__name__]
        answered = subprocess.run(
            [*command, str(server.port), str(CONNECTIONS), file.name],
            check=True,
            capture_output=True,
        )
    result: dict[str, Any] = json.loads(answered.stdout)
    return result


def _median(rounds: list[Measured], name: str) -> float:
    median: float = statistics.median(getattr(one, name) for one in rounds)
    return median


def _line(name: str, of_scenario: dict[str, list[Measured]]) -> str:
    parts = [f"{name:18}"]
    for who, rounds in of_scenario.items():
        parts.append(
            f"{who} {_median(rounds, 'server_cpu'):5.2f} + {_median(rounds, 'postgres_cpu'):4.2f}"
            f" = {_median(rounds, 'cpu'):5.2f} ms, {_median(rounds, 'per_second'):5.0f}/s,"
            f" p50 {_median(rounds, 'p50'):4.1f}, p99 {_median(rounds, 'p99'):5.1f} |"
        )
    if "peer" in of_scenario:
        pairs = zip(of_scenario["ours"], of_scenario["peer"], strict=True)
        ratios = sorted(ours.cpu / theirs.cpu for ours, theirs in pairs)
        parts.append(
            f"ratio {statistics.median(ratios):4.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        )
    return " ".join(parts)


def _report(found: dict[str, dict[str, list[Measured]]], file: Path | None) -> None:
    many, one = found.get("settle"), found.get("settle, one code")
    if many and one:
        share = _median(one["ours"], "per_second") / _median(many["ours"], "per_second")
        print(f"one code's settles have {share:.2f} of the throughput of many codes'")
    if file:
        figures = {
            name: {who: [asdict(one) for one in rounds] for who, rounds in of_scenario.items()}
            for name, of_scenario in found.items()
        }
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        file.write_text(json.dumps({"machine": machine, "scenarios": figures}, indent=1))
