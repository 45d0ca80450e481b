"""Sends the mixed traffic by locust, and prints how it was answered, as JSON.

`python -m gatewayz.benchmarks.traffic_load FILE`: the file is the JSON of what to send. `port` is
the server's; `people` have id, key and code; `batch` begins the names of new ones; `session_key` is
the operator's; each of `steps` is so many `callers` for some `seconds`, each with an iteration in
`pace` seconds, or without a pause when that is 0. A process of its own, so that its work is not
counted as the server's.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import LocalRunner
from locust.stats import RequestStats

from gatewayz.benchmarks.traffic_users import Caller, Operator, Person, Plan

# Callers come one after the other, so many a second.
ARRIVING = 50
# What is being asked when the traffic ends is answered still.
STOP_SECONDS = 60


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
