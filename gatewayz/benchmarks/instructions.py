"""Counts the processor's instructions of each operation, by valgrind's callgrind.

A count hardly depends on the machine or on what else it does, so that a change of a few percent is
seen. It is of the program alone, without server and PostgreSQL, in one process: the difference
between N and 2 N calls, so that start and first calls drop out.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import connection

from gatewayz.benchmarks import comparison
from gatewayz.benchmarks.peers import TUNED
from gatewayz.benchmarks.processes import STRIPE, serving
from gatewayz.benchmarks.scenarios import Scenario, scenarios
from gatewayz.dev.checkout import ROOT, Refusal

KEPT = Path(__file__).with_name("instructions.json")
FIRST_CALLS = 20  # statements get prepared, and caches filled
CALLS = 40
TOLERANCE = 0.05


def keep(folder: Path) -> int:
    """Count, and write the counts into the repository."""
    found = _count(folder)
    KEPT.write_text(json.dumps(found, indent=1) + "\n")
    for name, count in found["instructions"].items():
        print(f"{name:20} {count:>12,}")
    return 0


def check(folder: Path) -> int:
    """Count, and compare with what the repository has; 1 if an operation moved too much."""
    lines, is_near = compare(json.loads(KEPT.read_text()), _count(folder))
    print("\n".join(lines))
    return 0 if is_near else 1


def compare(kept: dict[str, Any], found: dict[str, Any]) -> tuple[list[str], bool]:
    """Return a line for each operation, and whether none moved by more than TOLERANCE."""
    lines = []
    if kept["made_by"] != found["made_by"]:
        lines.append(f"kept are counts of {kept['made_by']}, these are of {found['made_by']}")
    before, now, moved = kept["instructions"], found["instructions"], []
    for name in now:
        change = now[name] / before[name] - 1 if name in before else 0
        if abs(change) > TOLERANCE:
            moved.append(name)
        lines.append(f"{name:20} {now[name]:>12,} {change:+.1%}")
    moved += before.keys() ^ now.keys()
    if moved:
        lines.append(
            f"moved by more than {TOLERANCE:.0%}, added or removed: {', '.join(moved)};"
            " if it is meant, keep the counts by ./dev bench --instructions"
        )
    return lines, not moved


def counted_scenarios() -> list[Scenario]:
    everything = scenarios(comparison.REFERRERS, writes=0, reads_each=0)
    return [scenario for scenario in everything if TUNED in scenario.ways]


def _count(folder: Path) -> dict[str, Any]:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Refusal("valgrind counts the instructions; install it: apt-get install valgrind")
    comparison.fill()
    with connection.cursor() as cursor:
        # Else a key's use is written when a minute has passed, which is long under valgrind.
        cursor.execute("UPDATE api_keys SET last_used_at = now() + interval '1 day'")
    counted = counted_scenarios()
    with serving("Stripe", STRIPE, {}) as stripe:
        environment = {
            "STRIPE_API_BASE": f"http://127.0.0.1:{stripe.port}",
            "PYTHONHASHSEED": "0",
            "PYTHONWARNINGS": "ignore",  # nobody has collected the static files
        }
        totals = _run_under(valgrind, folder, counted, environment)
    version = subprocess.run([valgrind, "--version"], check=True, capture_output=True, text=True)
    return {
        "made_by": f"Python {platform.python_version()}, {version.stdout.strip()}",
        "instructions": {
            scenario.name: (many - few) // CALLS
            for scenario, few, many in zip(counted, totals[::2], totals[1::2], strict=True)
        },
    }


def _run_under(
    valgrind: str, folder: Path, counted: list[Scenario], environment: dict[str, str]
) -> list[int]:
    """Return the instructions of N and of 2 N calls of each scenario, one after the other."""
    lists = [
        [asdict(request) for request in scenario.requests(FIRST_CALLS + calls)]
        for scenario in counted
        for calls in (CALLS, 2 * CALLS)
    ]
    tool = [valgrind, "--tool=callgrind", "-q", f"--callgrind-out-file={folder}/callgrind-%p"]
    finished = subprocess.run(
        [*tool, sys.executable, "-m", "gatewayz.benchmarks.calls"],
        input=json.dumps(lists),
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [_total(folder / f"callgrind-{pid}") for pid in finished.stdout.split()]


def _total(file: Path) -> int:
    for line in reversed(file.read_text().splitlines()):
        if line.startswith("totals:"):
            return int(line.split()[1])
    raise RuntimeError(f"callgrind wrote no total into {file}")
