"""Plays the exercises under load, checks the books after each, and prints a table."""

import argparse
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg

from gatewayz.dev.checkout import Refusal
from gatewayz.dev.drill import programs
from gatewayz.dev.drill.exercises import EXERCISES, Exercise
from gatewayz.dev.drill.postgresql import ADMINISTRATOR
from gatewayz.dev.drill.production import Production
from gatewayz.dev.drill.supervisor import Supervisor
from gatewayz.dev.drill.traffic import Record, Traffic, wait_for_balances
from gatewayz.dev.embedded_postgres import SHORT_DIRECTORY

SECONDS_AFTER = 3  # of load when all is over: what still fails then is a fault
LINE = "{:<36} {:>8} {:>22} {:>6} {:>6}"


@dataclass(frozen=True)
class Outcome:
    """How an exercise came out."""

    exercise: Exercise
    record: Record
    wrong: list[str]

    def line(self) -> str:
        lost = ", ".join(f"{count} x {kind}" for kind, count in self.record.failed.items())
        seconds = f"{self.record.seconds_until_well:.1f}"
        return LINE.format(
            self.exercise.title, self.record.asked, lost or "0", len(self.wrong), seconds
        )


def drill(arguments: list[str]) -> int:
    """Return 1 when an answer was unexpected or money wrong."""
    parser = argparse.ArgumentParser(prog="./dev drill", allow_abbrev=False)
    parser.add_argument("--short", action="store_true", help="the most telling exercises alone")
    parser.add_argument("--only", metavar="TEXT", default="", help="those whose title has it")
    options = parser.parse_args(arguments)
    found = programs.find()
    for name in found.missing():
        print(f"missing: {name}", flush=True)
    chosen = [
        exercise
        for exercise in EXERCISES
        if options.only in exercise.title
        and (exercise.is_short or not options.short)
        and getattr(found, exercise.needs)
    ]
    with tempfile.TemporaryDirectory(prefix="gatewayz-drill-", dir=SHORT_DIRECTORY) as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            outcomes = _play(chosen, found, folder)
        except BaseException:
            _show_logs(folder)
            raise
    problems = [text for o in outcomes for text in (*o.wrong, *o.record.unexpected)]
    for problem in problems[:20]:
        print(f"WRONG: {problem}")
    print(f"\nDrill: exercises {len(outcomes)}, wrong {len(problems)}", flush=True)
    return int(bool(problems))


def _play(chosen: list[Exercise], found: programs.Programs, folder: Path) -> list[Outcome]:
    supervisor = Supervisor()
    with ExitStack() as stack:
        stack.callback(supervisor.end)
        production = Production(found, folder, supervisor)
        stack.enter_context(production.running())
        traffic = Traffic(production.address, str(production.certificate))
        stack.enter_context(traffic.running())
        for heading in (("", "", "", "money", "well"), ("", "asked", "lost", "wrong", "after s")):
            print(LINE.format(*heading), flush=True)
        return [_do(exercise, production, traffic) for exercise in chosen]


def _do(exercise: Exercise, production: Production, traffic: Traffic) -> Outcome:
    record = traffic.begin()
    exercise.act(production, traffic)
    traffic.go_on()
    time.sleep(SECONDS_AFTER)
    traffic.pause()
    wrong = wait_for_balances(traffic.people, lambda: _balances(production))
    try:
        production.command("check the books")
    except Refusal as refusal:
        wrong.append(str(refusal))
    outcome = Outcome(exercise, record, wrong)
    print(outcome.line(), flush=True)
    return outcome


def _balances(production: Production) -> dict[str, Decimal]:
    url = production.cluster.primary.url(ADMINISTRATOR)
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT username, credits FROM users").fetchall()
    return dict(rows)


def _show_logs(folder: Path) -> None:
    for log in sorted(folder.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-8:]
        print(f"--- {log.name}", *lines, sep="\n")
