"""Mixed traffic at 70% of what the program can do: `./dev bench --traffic [MINUTES]`.

It serves the program with its worker as in production, finds out how many iterations a second it
can do, and lets locust ask for 70% of them. Afterwards each balance must be what was sent, and
every invariant hold.
"""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import User
from gatewayz.benchmarks import loader, report, traffic_samples
from gatewayz.benchmarks.processes import SERVERS, STRIPE, family, running, serving
from gatewayz.benchmarks.traffic_samples import Course, Sample
from gatewayz.dev.checkout import ROOT
from gatewayz.dev.virtual_environment import install_aside
from payments.models import StripeEvent
from payments.reports import invariants

REFERRERS = 1000
SHARE = 0.7
# These send without a pause, to find the capacity. A trial shows only that everything works.
CALLERS, CALLERS_OF_A_TRIAL = (4, 8, 16, 32), (1,)
# Each minute a job works off what has come in: only a run of a few minutes shows growth.
SHORTEST_MEASURING = 3
LONGEST_STEP, LONGEST_INTERVAL = 10.0, 10.0  # seconds
WORKER = ["-m", "django", "procrastinate", "worker"]
LOCUST = Path(__file__).with_name("locust_requirements.txt")
# By its name, for locust replaces threads and sockets of the process that imports it.
LOAD = "gatewayz.benchmarks.traffic_load"
_USUAL = re.compile(r'"level": ?"info"|^Launching a worker')
_UNFINISHED = (StripeEvent.Outcome.FAILED, StripeEvent.Outcome.QUARANTINED)


@dataclass(frozen=True)
class _Programs:
    """What runs during the traffic: the process numbers, and what the load is told."""

    port: int
    server: int
    worker: int
    folder: Path
    session_key: str
    locust: Path

    def processes(self) -> set[int]:
        return family(self.server) | family(self.worker)


@dataclass(frozen=True)
class Traffic:
    """What was sent, how it was answered, and what is wrong."""

    minutes: float
    capacity: float  # iterations a second
    asked: float
    reached: float
    operations: dict[str, dict[str, float]]
    samples: list[Sample]
    problems: list[str]


def measure(minutes: float, folder: Path, file: Path | None) -> int:
    """Fill the empty database, send the traffic, print; return 1 if anything is wrong."""
    locust, session_key = install_aside(LOCUST), _fill()
    logs = [folder / f"{name}.log" for name in ("stripe", "server", "worker")]
    with ExitStack() as stack:
        stripe_log, *ours = [stack.enter_context(log.open("wb")) for log in logs]
        stripe = stack.enter_context(serving("Stripe", STRIPE, {}, stripe_log))
        environment = {"STRIPE_API_BASE": f"http://127.0.0.1:{stripe.port}"}
        server = stack.enter_context(serving("ours", SERVERS["granian"], environment, ours[0]))
        worker = stack.enter_context(running(WORKER, environment, ours[1]))
        programs = _Programs(
            server.port, server.process.pid, worker.pid, folder, session_key, locust
        )
        found = _send(minutes, programs)
    for log in logs[1:]:
        found.problems.extend(complaints(log))
    _print(found)
    if file:
        figures = {"machine": report.machine("granian"), **asdict(found)}
        file.write_text(json.dumps(figures, indent=1) + "\n")
    return int(bool(found.problems))


def _fill() -> str:
    """Fill the empty database, and return the session of an operator."""
    loader.fill(REFERRERS)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    operator = Client()
    operator.force_login(User.objects.create_superuser("boss", "boss@example.com"))
    return operator.cookies["sessionid"].value


def _send(minutes: float, programs: _Programs) -> Traffic:
    balances, before = _balances(), programs.processes()
    seconds, is_trial = minutes * 60, minutes < SHORTEST_MEASURING
    each = CALLERS_OF_A_TRIAL if is_trial else CALLERS
    step = min(LONGEST_STEP, seconds / len(each))
    steps = [{"callers": callers, "seconds": step, "pace": 0} for callers in each]
    closed, _ = _load("Closed", steps, programs)
    capacity = max(closed["rates"])
    print(f"capacity {capacity:.0f} iterations a second", flush=True)
    asked = SHARE * capacity
    callers = max(1, round(asked))
    steps = [{"callers": callers, "seconds": seconds, "pace": callers / asked}]
    paced, samples = _load("Paced", steps, programs)
    [reached] = paced["rates"]
    problems = [*closed["errors"], *paced["errors"]]
    if programs.processes() != before:
        problems.append("a process of the server or of the worker ended, or was added")
    problems += wrong_records(balances, closed["expected"], paced["expected"])
    if not is_trial:
        if reached < 0.95 * asked:
            problems.append(f"only {reached:.0f} iterations a second were reached")
        courses = traffic_samples.courses(samples)
        problems += [f"{one.name}: growth" for one in courses if one.has_grown]
    return Traffic(minutes, capacity, asked, reached, paced["operations"], samples, problems)


def _load(
    batch: str, steps: list[dict[str, float]], programs: _Programs
) -> tuple[dict[str, Any], list[Sample]]:
    """Send the traffic of these steps from another process, and look at the program meanwhile."""
    order, answer = programs.folder / "order.json", programs.folder / "answer.json"
    people = [(n, loader.key_of(n), loader.code_of(n)) for n in range(1, REFERRERS + 1)]
    told = {"port": programs.port, "people": people, "batch": batch, "steps": steps}
    order.write_text(json.dumps(told | {"session_key": programs.session_key}))
    seconds = sum(one["seconds"] for one in steps)
    with answer.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", LOAD, str(order)],
            stdout=file,
            env=os.environ | {"PYTHONPATH": str(programs.locust)},
            cwd=ROOT,
        )
        samples = _watch(process, min(LONGEST_INTERVAL, seconds / 6), programs)
    if process.returncode:
        raise RuntimeError(f"the load ended with exit code {process.returncode}")
    answered: dict[str, Any] = json.loads(answer.read_text())
    return answered, samples


def _watch(process: subprocess.Popen[bytes], interval: float, programs: _Programs) -> list[Sample]:
    started = time.monotonic()
    samples: list[Sample] = []
    while True:
        try:
            process.wait(max(0, started + (len(samples) + 1) * interval - time.monotonic()))
        except subprocess.TimeoutExpired:
            samples.append(traffic_samples.take(server=programs.server, worker=programs.worker))
        else:
            return samples


def _balances() -> dict[int, Decimal]:
    return dict(User.objects.values_list("pk", "credits"))


def wrong_records(before: dict[int, Decimal], *expected: dict[str, int]) -> list[str]:
    """Return what the database has that was not sent, or the other way round."""
    due = {pk: before.get(pk, Decimal(0)) for pk in _balances()}
    for changes in expected:
        for pk, cents in changes.items():
            due[int(pk)] += Decimal(cents) / 100
    now = _balances()
    wrong = [pk for pk in due if due[pk] != now[pk]]
    problems = [f"balance of user {pk}: {now[pk]}, should be {due[pk]}" for pk in wrong[:5]]
    if wrong:
        problems.append(f"{len(wrong)} balances are wrong")
    problems += [str(breach) for breach in invariants.breaches()]
    if unfinished := StripeEvent.objects.filter(outcome__in=_UNFINISHED).count():
        problems.append(f"{unfinished} events failed or were quarantined")
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name FROM procrastinate_jobs WHERE status = 'failed'")
        problems += [f"the job {name} failed" for (name,) in cursor.fetchall()]
    return problems


def _print(found: Traffic) -> None:
    rows = [
        (
            name,
            f"{one['count']:,.0f}",
            *(f"{one[key]:.0f}" for key in ("errors", "p50", "p99", "most")),
        )
        for name, one in sorted(found.operations.items())
    ]
    _print_table(("operation", "number", "errors", "p50 ms", "p99 ms", "most ms"), rows)
    print(
        f"{found.minutes:g} minutes; capacity {found.capacity:.0f} iterations a second, "
        f"asked for {found.asked:.0f}, reached {found.reached:.0f}\n"
    )
    if found.minutes >= SHORTEST_MEASURING:
        courses = [_course_row(one) for one in traffic_samples.courses(found.samples)]
        _print_table(("", "first third", "last third", "most", ""), courses)
    for problem in found.problems:
        print(f"WRONG: {problem}")
    if not found.problems:
        print("no error; each balance is what was sent; every invariant holds")


def _course_row(one: Course) -> tuple[str, ...]:
    figures = (f"{value:.1f}" for value in (one.first, one.last, one.most))
    return (one.name, *figures, "growth" if one.has_grown else "")


def _print_table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for row in (heads, ("---",) * len(heads), *rows):
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def complaints(log: Path) -> list[str]:
    """Return what a program has logged beside what is usual."""
    with log.open(errors="replace") as lines:
        unusual = [line.strip() for line in lines if not _USUAL.search(line)]
    return [f"{log.name}: {len(unusual)} lines, such as {unusual[-1][:2000]}"] if unusual else []
