"""Starts servers, and reads what they and PostgreSQL have cost."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

import psutil

from gatewayz.dev.checkout import ROOT, Refusal
from gatewayz.dev.waiting import wait_until
from gatewayz.dev.web_server import free_ports, granian

# How the program can be served: as in production, or by the server that most use.
SERVERS = {
    "granian": ["-m", *granian("gatewayz.wsgi:application", port="{port}")],
    "gunicorn": [
        *("-m", "gunicorn", "gatewayz.wsgi", "--bind", "127.0.0.1:{port}", "--no-control-socket"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
    ],
}
PEER = [
    *("-m", "uvicorn", "gatewayz.benchmarks.peers.tuned:app", "--port", "{port}"),
    *("--workers", "2", "--no-access-log", "--log-level", "critical"),
]
STRIPE = [
    *("-m", "uvicorn", "gatewayz.benchmarks.stripe_stub:app", "--port", "{port}"),
    *("--no-access-log", "--log-level", "critical"),
]
READY_SECONDS = 30


@dataclass(frozen=True)
class RunningServer:
    """A server that is to be measured."""

    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def serving(
    name: str,
    command: list[str],
    environment: Mapping[str, str],
    output: IO[bytes] | int = subprocess.DEVNULL,
) -> Iterator[RunningServer]:
    """Serve until the end of the block; `{port}` in the command becomes a free port."""
    [port] = free_ports(1)
    filled = [part.format(port=port) for part in command]
    with running(filled, environment, output) as process:
        _wait_until_listening(name, port, process)
        yield RunningServer(port, process)


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], output: IO[bytes] | int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _wait_until_listening(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    def refusal() -> str:
        if process.poll() is not None:
            raise Refusal(f"the server {name} ended with exit code {process.returncode}")
        with socket.socket() as probe:
            is_open = probe.connect_ex(("127.0.0.1", port)) == 0
        return "" if is_open else f"the server {name} does not listen"

    wait_until(refusal, READY_SECONDS)


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process and all its descendants, ended children included."""
    seconds: float = sum(_of_family(root, lambda process: sum(process.cpu_times()[:4])))
    return seconds


def memory(root: int) -> int:
    """Return the resident bytes of a process and all its descendants."""
    return sum(_of_family(root, lambda process: process.memory_info().rss))


def family(root: int) -> set[int]:
    """Return the process numbers of a process and all its descendants."""
    return set(_of_family(root, lambda process: process.pid))


def _of_family(root: int, read: Callable[[psutil.Process], Any]) -> Iterator[Any]:
    first = psutil.Process(root)
    for process in [first, *first.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # it may end meanwhile
            yield read(process)
