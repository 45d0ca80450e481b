"""The worker goes on when PostgreSQL restarts; a job that it dies in is found, and runs again."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from accounts.tests.factories import operator
from payments import tasks
from payments.reports.action_items import count_waiting
from payments.tests import at_once
from payments.tests.at_once import another_transaction, execute
from payments.tests.own_postgres import connected_to, own_postgres
from payments.tests.real_server import EXIT_WITH_PARENT, PATIENCE_SECONDS, database_url


@pytest.fixture
def queue(transactional_db: None) -> Iterator[None]:
    """Empty the queue after the test, which Django's test case does not do."""
    yield
    execute("DELETE FROM procrastinate_jobs")
    execute("DELETE FROM procrastinate_workers")


def job(task: Any = tasks.refresh_leaderboard) -> int:
    """Queue a job beside those that the worker queues by its clock."""
    pk: int = task.configure(queueing_lock=uuid4().hex).defer(timestamp=0)
    return pk


def state(pk: int) -> str | None:
    """Return the job's status; None when it is done."""
    return ProcrastinateJob.objects.filter(pk=pk).values_list("status", flat=True).first()


wait_until = partial(at_once.wait_until, seconds=3 * PATIENCE_SECONDS)


@contextmanager
def working(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker like that of `./dev run` until the end of the block."""
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [*EXIT_WITH_PARENT, "django", "worker"],
            cwd=settings.BASE_DIR,
            env=os.environ
            | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "gatewayz.settings"},
            stdin=subprocess.PIPE,
            stderr=lines,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=3 * PATIENCE_SECONDS)


@pytest.mark.slow
def test_the_worker_goes_on_after_postgresql_restarts(
    django_db_blocker: Any, tmp_path: Path
) -> None:
    with django_db_blocker.unblock(), own_postgres() as postgres, connected_to(postgres):
        with working(tmp_path / "log") as worker:
            before = job()
            wait_until(lambda: state(before) is None)

            postgres.restart()
            after = job()

            wait_until(lambda: state(after) is None)
            assert worker.poll() is None
        assert worker.returncode == 0


@pytest.mark.slow
@pytest.mark.usefixtures("queue")
@pytest.mark.django_db(transaction=True)
def test_a_job_whose_worker_is_killed_is_found_and_runs_again(tmp_path: Path) -> None:
    killed = job()
    with another_transaction("LOCK TABLE leaderboard_entries"), working(tmp_path / "1") as first:
        wait_until(lambda: state(killed) == "doing")
        first.send_signal(signal.SIGKILL)
        first.wait()
    execute("UPDATE procrastinate_workers SET last_heartbeat = NOW() - INTERVAL '1 hour'")

    # A worker runs several at once; the others were waiting for their turn in the database.
    left = ProcrastinateJob.objects.filter(status="doing")
    stalled = left.count()

    found = count_waiting(now=timezone.now())
    # The first worker may have done the one of these five minutes before it was killed.
    job(tasks.retry_stalled_jobs)
    with working(tmp_path / "2"):
        wait_until(lambda: not left.exists() and state(killed) is None)

    assert (found.stalled_jobs, found.live_workers) == (stalled, 0)
    assert "job_stalled" in (tmp_path / "2").read_text()
    assert count_waiting(now=timezone.now()).stalled_jobs == 0


def stall(pk: int, *, attempts: int = 0) -> None:
    """Leave a job as a worker does that is killed, and pruned by the next worker's start."""
    execute(
        "UPDATE procrastinate_jobs SET status = 'doing', attempts = %s WHERE id = %s", attempts, pk
    )


def retry_stalled_jobs() -> None:
    async_to_sync(tasks.retry_stalled_jobs.func)(0)


@pytest.mark.usefixtures("queue")
def test_a_stalled_job_waits_again_unless_it_ends_each_worker_or_its_next_run_waits() -> None:
    execute("SELECT procrastinate_register_worker_v1()")
    waits, fails, running = (job() for _ in range(3))
    dropped = tasks.retry_events.configure().defer(timestamp=0)
    for stalled in (waits, dropped, running):
        stall(stalled)
    stall(fails, attempts=tasks.MAX_STALLS - 1)
    following = tasks.retry_events.configure().defer(timestamp=60)
    worker = ProcrastinateWorker.objects.get().pk
    execute("UPDATE procrastinate_jobs SET worker_id = %s WHERE id = %s", worker, running)

    before = count_waiting(now=timezone.now()).stalled_jobs
    retry_stalled_jobs()

    after = count_waiting(now=timezone.now())
    assert [state(pk) for pk in (waits, fails, dropped, following)] == [
        *("todo", "failed", None, "todo")
    ]
    assert state(running) == "doing"  # its worker lives
    assert (before, after.stalled_jobs) == (3, 0)


NO_WORKER = "workers running: no periodic job runs"


@pytest.mark.parametrize(("minutes", "is_missed"), [(1, False), (3, True)])
def test_a_worker_that_is_not_seen_is_missed(db: None, minutes: int, is_missed: bool) -> None:
    execute("SELECT procrastinate_register_worker_v1()")
    execute(
        "UPDATE procrastinate_workers SET last_heartbeat = NOW() - %s * INTERVAL '1 minute'",
        minutes,
    )

    waiting = {each.title: each.value for each in operator().get("/admin/").context["waiting"]}

    assert (waiting.get(NO_WORKER) == "0") is is_missed
    assert (count_waiting(now=timezone.now()).live_workers == 0) is is_missed
