"""What a command shows on a terminal while its work takes longer than a moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.core.management.base import OutputWrapper

SHOW_AFTER_SECONDS = 1.0
REDRAW_SECONDS = 0.1
WIDTH = 30


@contextmanager
def progress(what: str, total: int = 0, *, out: OutputWrapper) -> Iterator[Callable[[], None]]:
    """Draw a bar of how many of `total` are done, or without a total the seconds; wipe it off.

    Yields the function that counts one more as done.
    """
    done, begun, is_over = 0, time.monotonic(), Event()

    def advance() -> None:
        nonlocal done
        done += 1

    def draw() -> None:
        if is_over.wait(SHOW_AFTER_SECONDS):
            return
        while not is_over.wait(REDRAW_SECONDS):
            out.write(f"\r{_line(what, done, total, time.monotonic() - begun)}\033[K", ending="")
            out.flush()
        out.write("\r\033[K", ending="")

    drawer = Thread(target=draw, daemon=True)
    if out.isatty():
        drawer.start()
    try:
        yield advance
    finally:
        is_over.set()
        if drawer.ident:
            drawer.join()


def _line(what: str, done: int, total: int, seconds: float) -> str:
    if not total:
        return f"{what} … {seconds:.0f} s"
    share = min(done / total, 1.0)
    bar = ("█" * round(share * WIDTH)).ljust(WIDTH, "·")
    return f"{bar} {share:4.0%}  {done:,} of {total:,} {what}, {seconds:.0f} s"
