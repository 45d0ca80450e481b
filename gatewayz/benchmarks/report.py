"""Prints what was measured as Markdown, and keeps it as JSON and as plots."""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from gatewayz.benchmarks.peers import OURS, TUNED
from gatewayz.benchmarks.plots import bars
from gatewayz.dev.checkout import ROOT

FIGURES = ROOT / "docs" / "figures"
IMAGES = ROOT / "docs" / "images"


@dataclass(frozen=True)
class Measured:
    """What one round of a scenario took; CPU and times in milliseconds an operation."""

    server_cpu: float
    postgres_cpu: float
    per_second: float
    p50: float
    p99: float
    statements: float
    transaction_commands: float

    @property
    def cpu(self) -> float:
        return self.server_cpu + self.postgres_cpu


Rounds = Mapping[str, list[Measured]]  # by the name of the way
Figures = dict[str, Rounds]  # by the name of the scenario
HEADINGS = (
    "way",
    "server + PostgreSQL, ms of CPU",
    "a second",
    "p50, p99 ms",
    "statements",
    "CPU beside ours",
)


def table(name: str, rounds: Rounds) -> str:
    """Return the scenario's table: medians, and ratios with their least and most."""
    rows = [
        (
            way,
            f"{_median(found, 'server_cpu'):.2f} + {_median(found, 'postgres_cpu'):.2f}"
            f" = {_median(found, 'server_cpu') + _median(found, 'postgres_cpu'):.2f}",
            f"{_median(found, 'per_second'):.0f}",
            f"{_median(found, 'p50'):.1f}, {_median(found, 'p99'):.1f}",
            f"{found[0].statements:.1f} + {found[0].transaction_commands:.1f}".replace(".0", ""),
            "" if way == OURS else _compare(ratios(rounds, way)),
        )
        for way, found in rounds.items()
    ]
    lines = [(name, *HEADINGS[1:]), ("---",) * len(HEADINGS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def ratios(rounds: Rounds, way: str) -> list[float]:
    """Return our CPU divided by that of `way`, of each round, in order of size."""
    pairs = zip(rounds[OURS], rounds[way], strict=True)
    return sorted(ours.cpu / theirs.cpu for ours, theirs in pairs)


def _compare(found: list[float]) -> str:
    middle, least, most = statistics.median(found), found[0], found[-1]
    if middle >= 1:
        return f"ours is {middle:.1f} × this ({least:.1f} to {most:.1f})"
    return f"this is {1 / middle:.1f} × ours ({1 / most:.1f} to {1 / least:.1f})"


def _median(rounds: list[Measured], name: str) -> float:
    median: float = statistics.median(getattr(one, name) for one in rounds)
    return median


def finish(found: Figures, options: argparse.Namespace) -> None:
    """Print what the scenarios say together; write the JSON and the plots that were asked for."""
    many, one = found.get("settle"), found.get("settle, one code")
    if many and one:
        share = _median(one[OURS], "per_second") / _median(many[OURS], "per_second")
        print(f"one code's settles have {share:.2f} of the throughput of many codes'")
    figures = json.dumps(_figures(found, options.server), indent=1) + "\n"
    if options.json:
        options.json.write_text(figures)
    if options.keep:
        FIGURES.mkdir(exist_ok=True)
        (FIGURES / f"{options.server}.json").write_text(figures)
        draw(json.loads(figures), IMAGES)


def machine(server: str) -> dict[str, Any]:
    """Return where the figures come from."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    return {
        "cpus": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "postgresql": postgres,
        "server": server,
    }


def _figures(found: Figures, server: str) -> dict[str, Any]:
    return {
        "machine": machine(server),
        "scenarios": {
            name: {
                way: {
                    "median": {field: _median(measured, field) for field in asdict(measured[0])},
                    "ours_to_it": _spread(ratios(rounds, way)),
                    "rounds": [asdict(one) for one in measured],
                }
                for way, measured in rounds.items()
            }
            for name, rounds in found.items()
        },
    }


def _spread(found: list[float]) -> dict[str, float]:
    return {"median": statistics.median(found), "least": found[0], "most": found[-1]}


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def draw(figures: Mapping[str, Any], folder: Path) -> None:
    """Write the plots of these figures, as they are in the JSON."""
    scenarios, server = figures["scenarios"], figures["machine"]["server"]
    settled = scenarios.get("settle", {})
    beside = {
        f"{name}: {way}": ways[way]
        for name, ways in scenarios.items()
        for way in (OURS, TUNED)
        if TUNED in ways
    }
    for file, title, found in (
        ("settlement", "CPU of one settlement, in milliseconds", settled),
        ("operations", "CPU of one operation, in milliseconds", beside),
    ):
        medians = {label: measured["median"] for label, measured in found.items()}
        parts = {
            name: [median[cpu] for median in medians.values()]
            for name, cpu in ((server, "server_cpu"), ("PostgreSQL", "postgres_cpu"))
        }
        labels = [
            f"{label}, {median['server_cpu'] + median['postgres_cpu']:.2f}"
            for label, median in medians.items()
        ]
        (folder / f"{file}-{server}.svg").write_text(bars(title, labels, parts))
