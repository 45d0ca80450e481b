"""The bar is drawn for people who wait, and for nobody else."""

import io
import time

import pytest
from django.core.management.base import OutputWrapper

from gatewayz.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn_on(screen: io.StringIO, *, moment: float, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(progress, "SHOW_AFTER_SECONDS", moment)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0)
    with progress.Progress("users", 4, out=OutputWrapper(screen)) as bar:
        bar.advance(1)
        bar.advance(2)
    return screen.getvalue()


def test_on_a_terminal_it_shows_the_share_and_wipes_itself_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = drawn_on(Terminal(), moment=0, monkeypatch=monkeypatch)

    assert " 25%  1 users" in drawn
    assert " 75%  3 users" in drawn
    assert drawn.endswith("\r\033[K")
    assert "\n" not in drawn


@pytest.mark.parametrize(("screen", "moment"), [(io.StringIO, 0), (Terminal, 60)])
def test_into_a_file_or_within_a_moment_it_draws_nothing(
    monkeypatch: pytest.MonkeyPatch, screen: type[io.StringIO], moment: float
) -> None:
    assert drawn_on(screen(), moment=moment, monkeypatch=monkeypatch) == ""


def waited_on(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(progress, "SHOW_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.01)
    with progress.waiting("Asking Stripe", out=OutputWrapper(screen)):
        time.sleep(0.1)
    return screen.getvalue()


def test_waiting_is_shown_on_a_terminal_alone_and_wiped_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = waited_on(Terminal(), monkeypatch)

    assert "Asking Stripe … 0 s" in drawn
    assert drawn.endswith("\r\033[K")
    assert waited_on(io.StringIO(), monkeypatch) == ""
