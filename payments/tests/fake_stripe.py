"""Servers in place of Stripe, or of a webhook: with a fixed answer, slow ones, and none at all."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Semaphore, Thread
from typing import Any
from unittest.mock import patch

from payments import stripe_gateway, views


@dataclass
class RecordingServer:
    """Answers with the next of `statuses`, and with `status` once there is none left."""

    address: str = ""
    status: int = 200
    body: bytes = b""
    statuses: list[int] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    meanwhile: Callable[[], object] = object

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Keep a request, and return the status of its answer."""
        self.headers.append(headers)
        self.bodies.append(body)
        self.meanwhile()
        return self.statuses.pop(0) if self.statuses else self.status


class _Server(ThreadingHTTPServer):
    record: RecordingServer


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        record = self.server.record
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
        status = record.take(dict(self.headers), sent)
        self.send_response(status)
        # Who is asked for patience may have a caller who waits.
        self.send_header("Retry-After", "60")
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(record.body)))
        self.end_headers()
        self.wfile.write(record.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        pass


@contextmanager
def recording(status: int = 200, body: bytes = b"") -> Iterator[RecordingServer]:
    """Serve until the end of the block."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.record = RecordingServer(f"http://127.0.0.1:{server.server_port}", status, body)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.record
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def stripe_answers(settings: Any, status: int, body: bytes) -> Iterator[RecordingServer]:
    with recording(status, body) as server:
        settings.STRIPE_API_BASE = server.address
        yield server


@contextmanager
def stripe_is_silent(settings: Any) -> Iterator[None]:
    """Accept connections, and never answer."""
    # The tests have less patience; that the real one is short enough has a test of its own.
    hurry = patch.object(stripe_gateway, "TIMEOUT_SECONDS", (0.2, 0.2))
    with hurry, socket.create_server(("127.0.0.1", 0)) as listener:
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield


@dataclass(frozen=True)
class HoldingStripe:
    """Answers nobody until it may; `arrived` counts those who wait."""

    may_answer: Event
    arrived: Semaphore


@contextmanager
def stripe_holds(settings: Any, body: bytes) -> Iterator[HoldingStripe]:
    """Hold every answer back, at the latest until the end of the block."""
    stripe = HoldingStripe(Event(), Semaphore(0))

    def hold(caller: socket.socket) -> None:
        with caller, suppress(OSError):
            caller.recv(65536)
            stripe.arrived.release()
            stripe.may_answer.wait()
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with _listening(hold) as address:
        settings.STRIPE_API_BASE = address
        try:
            yield stripe
        finally:
            stripe.may_answer.set()


@contextmanager
def stripe_trickles(settings: Any) -> Iterator[None]:
    """Send the answer byte by byte, so that no read time-out ever occurs."""
    is_over = Event()

    def trickle(caller: socket.socket) -> None:
        with caller, suppress(OSError):
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not is_over.wait(0.05):
                caller.sendall(b" ")

    hurry = patch.object(views, "DEADLINE_SECONDS", 0.5)
    with hurry, _listening(trickle) as address:
        settings.STRIPE_API_BASE = address
        try:
            yield
        finally:
            is_over.set()


@contextmanager
def _listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield an address where each caller is answered in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(32) as pool:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    pool.submit(answer, listener.accept()[0])

        server = Thread(target=serve)
        server.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            # Wakes the server up, too.
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


@contextmanager
def stripe_is_down(settings: Any) -> Iterator[None]:
    """Point at a port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{port}"
    yield
