"""Makes a demonstration's history, in strands side by side when it is long."""

import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from django.db import connections

from accounts.models import User
from payments.demo.history import LASTS, Strand, unfold
from payments.demo.reviews import operator
from payments.reports import daily, leaderboard
from referrals.models import Program

# Of these many processes the database keeps a machine of several cores busy.
MOST_STRANDS = 4
USERS_OF_A_STRAND = 500

Told = Callable[[int], None]


class StrandBrokenError(RuntimeError):
    """A process that made a part of the history ended before it was done."""


class NoTermsError(RuntimeError):
    """There were no terms of the program yet when the history would begin."""


def seed(*, users: int, seed: int, now: datetime, on_progress: Told) -> Counter[str]:
    """Add a history of so many users that ends now; return how often what happened.

    In an empty database one seed always makes the same history, but for keys and codes, which
    are secrets. Where there are users already, others are added. Raises NoTermsError.
    """
    begins_at = max(now - LASTS, _first_terms_at(now))
    taken = _taken_names()
    reviewer = operator(now=begins_at)
    number = min(MOST_STRANDS, 1 + users // USERS_OF_A_STRAND)
    strands = [
        Strand(
            seed=f"{seed}:{len(taken)}",
            number=place,
            of=number,
            users=len(range(place, users, number)),
            begins_at=begins_at,
            ends_at=now,
            taken=taken,
            operator=reviewer,
        )
        for place in range(number)
    ]
    if number == 1:
        counts = _told(unfold(strands[0]), on_progress)
    else:
        counts = _side_by_side(strands, on_progress)
    # What is kept of days that were over, and of who is ahead, knows nothing of all this yet.
    daily.clear()
    leaderboard.refresh(now=now)
    return counts


def _first_terms_at(now: datetime) -> datetime:
    first = Program.objects.filter(starts_at__lt=now).order_by("starts_at").first()
    if first is None:
        raise NoTermsError("the program has no terms yet: run migrate")
    return first.starts_at


def _taken_names() -> set[str]:
    """Return the names, and the mailboxes too, of whoever is there."""
    known = User.objects.values_list("username", "email")
    names = [(name, email.partition("@")[0]) for name, email in known.iterator()]
    return {name.lower() for pair in names for name in pair}


def _told(course: Iterator[Counter[str]], on_progress: Told) -> Counter[str]:
    counts: Counter[str] = Counter()
    before = 0
    for counts in course:
        on_progress(counts["users"] - before)
        before = counts["users"]
    return counts


def _side_by_side(strands: list[Strand], on_progress: Told) -> Counter[str]:
    """Let a process of its own make each strand: one alone mostly waits for the database."""
    # A connection cannot be shared with a fork.
    connections.close_all()
    started = [_start(strand) for strand in strands]
    running: dict[object, tuple[ForkProcess, Connection]] = {pair[1]: pair for pair in started}
    total: Counter[str] = Counter()
    try:
        while running:
            for ready in wait([ours for _, ours in running.values()]):
                told = _receive(running[ready][1], on_progress)
                if told is not None:
                    total += told
                    running.pop(ready)
    finally:
        for process, _ in started:
            process.terminate()
            process.join()
    return total


def _receive(ours: Connection, on_progress: Told) -> Counter[str] | None:
    """Take in what a strand tells: its progress, or at the end its counts."""
    try:
        told: int | Counter[str] = ours.recv()
    except EOFError:
        raise StrandBrokenError("a part of the history broke off; see above") from None
    if isinstance(told, int):
        on_progress(told)
        return None
    return told


def _start(strand: Strand) -> tuple[ForkProcess, Connection]:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_work, args=(strand, theirs), daemon=True
    )
    process.start()
    theirs.close()
    return process, ours


def _work(strand: Strand, told: Connection) -> None:
    # Ctrl-C reaches all of us; who started us ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    told.send(_told(unfold(strand), told.send))
