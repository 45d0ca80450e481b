"""What is drawn is for people who wait at a terminal, and for nobody else."""

import io
import time

import pytest
from django.core.management.base import OutputWrapper

from gatewayz.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("total", "screen", "moment", "shown"),
    [
        (4, Terminal, 0.0, "·  25%  1 of 4 users, "),
        (0, Terminal, 0.0, "users … "),
        (4, io.StringIO, 0.0, ""),
        (4, Terminal, 60.0, ""),
    ],
)
def test_on_a_terminal_after_a_moment_it_is_drawn_and_wiped_off(
    monkeypatch: pytest.MonkeyPatch,
    total: int,
    screen: type[io.StringIO],
    moment: float,
    shown: str,
) -> None:
    monkeypatch.setattr(progress, "SHOW_AFTER_SECONDS", moment)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.001)
    out = screen()

    with progress.progress("users", total, out=OutputWrapper(out)) as advance:
        advance()
        deadline = time.monotonic() + 60
        while shown not in out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.001)

    drawn = out.getvalue()
    assert shown in drawn
    assert drawn.endswith("\r\033[K") is bool(drawn) is bool(shown)
    assert "\n" not in drawn
