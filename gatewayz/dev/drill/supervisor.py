"""Starts programs, and starts again those that end, as systemd does with `Restart=always`."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

RESTART_SECONDS = 1.0
POLL_SECONDS = 0.1
STOP_SECONDS = 40


@dataclass
class Service:
    """One program that is to run; `options` are those of `subprocess`."""

    name: str
    command: Sequence[str | Path]
    log: Path
    options: Mapping[str, Any]
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    ended_at: float | None = None

    def launch(self) -> None:
        with self.log.open("ab") as log:
            usual: dict[str, Any] = {"stdin": subprocess.DEVNULL, "start_new_session": True}
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, **usual | dict(self.options)
            )
        self.ended_at = None

    def send(self, number: signal.Signals) -> None:
        """Send the signal to the program; SIGKILL goes to all of its processes."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def revive(self) -> None:
        """Start it again when it has ended a while ago."""
        if self.process is None or self.process.poll() is None:
            return
        if self.ended_at is None:
            self.ended_at = time.monotonic()
        if time.monotonic() - self.ended_at >= RESTART_SECONDS:
            # Its children must not hold its port.
            self.send(signal.SIGKILL)
            self.launch()


class Supervisor:
    """All services by name; a thread watches them."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self._lock = Lock()
        self._over = Event()
        self._thread = Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, service: Service) -> None:
        """Start it, in place of one of the same name, and keep it running."""
        self.stop(service.name)
        with self._lock:
            service.launch()
            self.services[service.name] = service

    def stop(self, name: str, number: signal.Signals | None = None) -> None:
        """End it in order, or by the signal, and do not start it again."""
        with self._lock:
            service = self.services.pop(name, None)
        if service is None or service.process is None:
            return
        service.send(number or service.stop_signal)
        try:
            with suppress(subprocess.TimeoutExpired):
                service.process.wait(STOP_SECONDS)
        finally:
            # Also when the drill is broken off meanwhile: nothing of it stays behind.
            if service.process.poll() is None:
                service.send(signal.SIGKILL)
                service.process.wait()

    def restart(self, name: str) -> None:
        """End it in order and start it again, as `systemctl restart` does."""
        self.start(self.services[name])

    def kill(self, name: str) -> None:
        """Kill it with all its processes. It is started again by itself."""
        self.services[name].send(signal.SIGKILL)

    def end(self) -> None:
        """Stop everything, the last one first."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        for name in reversed([*self.services]):
            self.stop(name, signal.SIGKILL)

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            with self._lock:
                for service in self.services.values():
                    service.revive()
