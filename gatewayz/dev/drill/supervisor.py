"""Starts programs, and starts again those that end, as systemd does with `Restart=always`."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

RESTART_SECONDS = 1.0
POLL_SECONDS = 0.1
STOP_SECONDS = 40


@dataclass
class Service:
    """One program that is to run: what is started, where, and its log."""

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str]
    folder: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    options: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    ended_at: float | None = None


class Supervisor:
    """All services; a thread watches them."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._lock = Lock()
        self._over = Event()
        self._thread = Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, service: Service) -> None:
        """Start it, in place of one of the same name, and keep it running."""
        self.stop(service.name)
        with self._lock:
            _launch(service)
            self._services[service.name] = service

    def stop(self, name: str, number: signal.Signals | None = None) -> None:
        """End it in order, or by the signal, and do not start it again."""
        with self._lock:
            service = self._services.pop(name, None)
        if service is None or service.process is None:
            return
        _signal(service, number or service.stop_signal)
        try:
            service.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal(service, signal.SIGKILL)
            service.process.wait()

    def restart(self, name: str) -> None:
        """End it in order and start it again, as `systemctl restart` does."""
        service = self._services[name]
        self.stop(name)
        self.start(service)

    def kill(self, name: str) -> None:
        """Kill it with all its processes. It is started again by itself."""
        _signal(self._services[name], signal.SIGKILL)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send the signal to its first process."""
        process = self._services[name].process
        if process is not None:
            process.send_signal(number)

    def names(self) -> list[str]:
        return list(self._services)

    def end(self) -> None:
        """Stop everything, the last one first."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        for name in reversed(self.names()):
            self.stop(name, signal.SIGKILL)

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            with self._lock:
                for service in self._services.values():
                    _revive(service)


def _revive(service: Service) -> None:
    if service.process is None or service.process.poll() is None:
        return
    if service.ended_at is None:
        service.ended_at = time.monotonic()
    if time.monotonic() - service.ended_at >= RESTART_SECONDS:
        # Its children must not hold its port.
        _signal(service, signal.SIGKILL)
        _launch(service)


def _launch(service: Service) -> None:
    with service.log.open("ab") as log:
        usual: dict[str, Any] = {
            "cwd": service.folder,
            "env": service.environment,
            "stdin": subprocess.DEVNULL,
        }
        service.process = subprocess.Popen(
            service.command,
            stdout=log,
            stderr=log,
            **usual | {"start_new_session": True} | service.options,
        )
    service.ended_at = None


def _signal(service: Service, number: signal.Signals) -> None:
    """Send the signal to the program; SIGKILL goes to all of its processes."""
    if service.process is None:
        return
    with suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(service.process.pid, number)
        else:
            service.process.send_signal(number)
