"""The progress bar of commands that take longer than a second, on a terminal."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Event, Thread

from django.core.management.base import OutputWrapper

SHOW_AFTER_SECONDS = 1.0
REDRAW_SECONDS = 0.1
WIDTH = 30


class Progress(AbstractContextManager["Progress"]):
    """Draws a progress bar on a terminal, and removes it at the end."""

    def __init__(self, what: str, total: int, *, out: OutputWrapper) -> None:
        self._what = what
        self._total = total
        self._out = out
        self._done = 0
        self._begun = self._drawn = time.monotonic()
        self._is_shown = False

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._write("\r\033[K")

    def advance(self, count: int = 1) -> None:
        """Add `count` to the number done."""
        self._done += count
        now = time.monotonic()
        is_time = now - self._begun > SHOW_AFTER_SECONDS and now - self._drawn > REDRAW_SECONDS
        if is_time and self._out.isatty():
            self._is_shown = True
            self._drawn = now
            self._write(f"\r{self._line(now - self._begun)}\033[K")

    def _line(self, seconds: float) -> str:
        share = min(self._done / self._total, 1.0) if self._total else 1.0
        bar = ("█" * round(share * WIDTH)).ljust(WIDTH, "·")
        rate = self._done / seconds
        left = f"{(self._total - self._done) / rate:.0f} s left" if rate else "…"
        return f"{bar} {share:4.0%}  {self._done:,} {self._what}, {rate:,.0f}/s, {left}"

    def _write(self, text: str) -> None:
        self._out.write(text, ending="")
        self._out.flush()


@contextmanager
def waiting(what: str, *, out: OutputWrapper) -> Iterator[None]:
    """Show on a terminal the seconds that work without a known total has taken."""
    is_over = Event()
    begun = time.monotonic()

    def draw() -> None:
        if is_over.wait(SHOW_AFTER_SECONDS):
            return
        while not is_over.wait(REDRAW_SECONDS):
            out.write(f"\r{what} … {time.monotonic() - begun:.0f} s\033[K", ending="")
            out.flush()
        out.write("\r\033[K", ending="")

    if not out.isatty():
        yield
        return
    drawer = Thread(target=draw, daemon=True)
    drawer.start()
    try:
        yield
    finally:
        is_over.set()
        drawer.join()
