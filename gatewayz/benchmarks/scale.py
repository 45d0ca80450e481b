"""Times reads, pages, reports and writes as the tables grow: `./dev bench --scale N`."""

import io
import json
import logging
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import User
from gatewayz.benchmarks import HOST, admin_pages, loader, plots
from gatewayz.benchmarks.endpoints import CALLER, TOKEN, Maker, makers, stripe_at_once
from gatewayz.dev import embedded_postgres
from payments.reports import daily, leaderboard

# The name, whether it is a page or an answer of the API, the milliseconds, the rows of a list.
Timing = tuple[str, bool, float, int]

SIZES = (10_000, 100_000, 1_000_000)
# A page of the admin, and an answer of the API.
MOST_MILLISECONDS, MOST_GROWTH = 100, 1.5
# A call is repeated so often, unless that takes longer than these seconds.
ROUNDS, PATIENCE = 7, 1.0
# In the plot: the slowest, and what is asked for most.
DRAWN = 3
USUAL = ("POST api/stripe/webhook", "GET user/balance", "GET referral/stats", "/admin/")

COMMANDS = (
    *(["check_ledger"], ["leaderboard"], ["leaderboard", "--days", "30"], ["referral_report"]),
    ["why", "person1"],
)
JOBS: dict[str, Callable[[], object]] = {
    "refresh_leaderboard": lambda: leaderboard.refresh(now=timezone.now()),
    "close_days": lambda: daily.close_days(now=timezone.now()),
}


@dataclass
class Timed:
    """The milliseconds that something took, by the number of people."""

    name: str
    # Only pages and answers have a goal: a report that reads all rows grows with them.
    is_page: bool
    milliseconds: dict[int, float] = field(default_factory=dict)
    # The rows that a list showed.
    rows: dict[int, int] = field(default_factory=dict)

    @property
    def latest(self) -> float:
        return self.milliseconds[max(self.milliseconds)]

    @property
    def growth(self) -> float | None:
        """How many times as long it takes with the most people as with the fewest."""
        first = self.milliseconds.get(SIZES[0])
        return self.latest / first if first and len(self.milliseconds) > 1 else None

    @property
    def misses(self) -> bool:
        """Whether it misses the goal."""
        if not self.is_page:
            return False
        # A list that shows more rows than before may take longer.
        is_fuller = len(set(self.rows.values())) > 1
        grows = not is_fuller and (self.growth or 0) > MOST_GROWTH
        return self.latest > MOST_MILLISECONDS or grows


def measure(most: int, postgres: embedded_postgres.Server, file: Path | None) -> None:
    """Fill a database of each size up to `most`, time everything in it, and print the slowest."""
    found: dict[str, Timed] = {}
    for people in sorted({*(size for size in SIZES if size < most), most}):
        postgres.create_database(f"people_{people}")
        connect(f"people_{people}")
        started = time.perf_counter()
        fill(people)
        print(f"{people:,} people loaded in {time.perf_counter() - started:.0f} s", flush=True)
        for name, is_page, milliseconds, rows in timings():
            timed = found.setdefault(name, Timed(name, is_page))
            timed.milliseconds[people], timed.rows[people] = milliseconds, rows
    report(sorted(found.values(), key=lambda timed: -timed.latest), file)


def connect(database: str) -> None:
    """Lead Django's connection to this database."""
    connection.close()
    connection.settings_dict["NAME"] = database
    ContentType.objects.clear_cache()


def fill(people: int) -> None:
    call_command("migrate", verbosity=0)
    loader.load(loader.Size.of(people), is_varied=True)
    loader.add_keys(CALLER, CALLER)
    loader.tidy()


def timings() -> Iterator[Timing]:
    """Time everything in this database."""
    logging.disable(logging.CRITICAL)
    for name, job in JOBS.items():
        yield f"job {name}", False, _time(job), 0
    for arguments in COMMANDS:
        command = partial(call_command, *arguments, stdout=io.StringIO())
        yield f"manage.py {' '.join(arguments)}", False, _time(command), 0
    client = Client()
    with override_settings(METRICS_TOKEN=TOKEN), stripe_at_once():
        for name, make in makers():
            yield name, True, _time(lambda request: request.send(client), make), 0
        yield from _pages()
    logging.disable(logging.NOTSET)


def _pages() -> Iterator[Timing]:
    """Time every page of the admin."""
    operator = User.objects.create_superuser("boss", "boss@example.com")
    client = Client(headers={"Host": HOST})
    client.force_login(operator)
    others = {
        name: page
        for name, page in admin_pages.others()
        # Some only refuse or redirect, and what is exported grows with the tables.
        if _open(client, page).status_code == HTTPStatus.OK and "export" not in page
    }
    for name, page in (others | dict(admin_pages.lists(operator))).items():
        answer = _open(client, page)
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError(f"{page} was answered {answer.status_code}")
        changes = (getattr(answer, "context_data", None) or {}).get("cl")
        rows = len(changes.result_list) if changes else 0
        yield name, True, _time(partial(_open, client, page)), rows


def _open(client: Client, page: str) -> Any:
    return client.get(page, secure=True)


def _time(call: Callable[..., object], make: Maker | None = None) -> float:
    """Return the median of several calls in milliseconds; the first one only warms up.

    `make` prepares what is called with.
    """
    took: list[float] = []
    for n in range(ROUNDS + 1):
        made = (make(n),) if make else ()
        started = time.perf_counter()
        call(*made)
        took.append((time.perf_counter() - started) * 1000)
        if sum(took) > PATIENCE * 1000:
            break
    return statistics.median(took[1:] or took)


def report(found: list[Timed], file: Path | None) -> None:
    """Print the slowest first; write the same to the file as JSON, and a plot beside it."""
    sizes = sorted({size for timed in found for size in timed.milliseconds})
    for timed in found:
        columns = [
            f"{timed.milliseconds[size]:10.1f}" if size in timed.milliseconds else f"{'-':>10}"
            for size in sizes
        ]
        growth = f"{timed.growth:6.2f}" if timed.growth else f"{'-':>6}"
        goal = "misses the goal" if timed.misses else ""
        print(f"{timed.name[:70]:70}", *columns, growth, goal)
    pages = [timed for timed in found if timed.is_page]
    missed = sum(timed.misses for timed in pages)
    print(f"{len(pages)} pages and answers, {missed} miss the goal")
    if file:
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        rows = [asdict(timed) | {"growth": timed.growth, "misses": timed.misses} for timed in found]
        file.write_text(json.dumps({"machine": machine, "timed": rows}, indent=1))
        file.with_suffix(".svg").write_text(draw(pages))


def draw(pages: list[Timed]) -> str:
    """Draw how the slowest pages and answers, and the usual ones, grow."""
    slowest = {timed.name: timed for timed in pages[:DRAWN] if len(timed.milliseconds) > 1}
    usual = {timed.name: timed for timed in pages if timed.name in USUAL}
    sizes = sorted({size for timed in pages for size in timed.milliseconds})
    return plots.lines(
        "Milliseconds of pages and answers, by the number of people",
        [f"{size:,}" for size in sizes],
        {
            name: [timed.milliseconds.get(size) for size in sizes]
            for name, timed in (slowest | usual).items()
        },
    )
