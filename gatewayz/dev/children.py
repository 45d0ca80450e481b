"""Runs other programs: one in the foreground, or several side by side that stop together."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import FrameType

from gatewayz.dev.checkout import ROOT, Refusal

STOP_SECONDS = 10
POLL_SECONDS = 0.1


def run_in_foreground(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    answers_ctrl_c: bool = False,
) -> int:
    """Run one program with the terminal as its own, and return its exit code.

    It gets Ctrl-C from the terminal and SIGTERM from us. Once it has ended we end as well, by
    KeyboardInterrupt, unless it is a shell, that `answers_ctrl_c` and goes on.
    """
    received: list[int] = []
    child = subprocess.Popen(command, cwd=ROOT, env=environment)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if number == signal.SIGTERM:
            child.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGTERM in received or (received and not answers_ctrl_c):
        raise KeyboardInterrupt
    return code if code >= 0 else 128 - code


class Children(AbstractContextManager["Children"]):
    """Programs that serve side by side: none of them outlives the others, or us."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program whose standard input ends when we do, even by kill -9.

        A session of its own keeps Ctrl-C from it: we stop it, in order.
        """
        self._processes[name] = subprocess.Popen(
            command, cwd=ROOT, env=os.environ, stdin=subprocess.PIPE, start_new_session=True
        )

    def require_alive(self) -> None:
        """Raise `Refusal` when one of them has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise Refusal(f"{name} ended by itself (exit code {process.returncode}).")

    def wait(self) -> None:
        """Return never; raise `Refusal` as soon as one of them ends."""
        while True:
            self.require_alive()
            time.sleep(POLL_SECONDS)

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
