"""Servers in place of Stripe: one with a fixed answer, slow ones, and none at all."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from unittest.mock import patch

from payments import stripe_gateway


@dataclass
class FakeStripe:
    """A server in place of Stripe: gives one answer to every request, and stores the requests."""

    address: str
    status: int
    body: bytes
    requests: list[tuple[str, str]] = field(default_factory=list)
    meanwhile: Callable[[], object] = object


class _Server(ThreadingHTTPServer):
    fake: FakeStripe


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        fake = self.server.fake
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        fake.requests.append((self.headers["Idempotency-Key"], sent))
        fake.meanwhile()
        self.send_response(fake.status)
        # Stripe asks for patience; we have a caller who waits.
        self.send_header("Retry-After", "60")
        self.send_header("Content-Length", str(len(fake.body)))
        self.end_headers()
        self.wfile.write(fake.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        pass


@contextmanager
def stripe_answers(settings: Any, status: int, body: bytes) -> Iterator[FakeStripe]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.fake = FakeStripe(f"http://127.0.0.1:{server.server_port}", status, body)
    settings.STRIPE_API_BASE = server.fake.address
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def stripe_is_silent(settings: Any) -> Iterator[None]:
    """Accept connections, and never answer."""
    # The tests have less patience; that the real one is short enough has a test of its own.
    hurry = patch.object(stripe_gateway, "TIMEOUT_SECONDS", (0.2, 0.2))
    with hurry, socket.create_server(("127.0.0.1", 0)) as listener:
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield


@contextmanager
def stripe_trickles(settings: Any) -> Iterator[None]:
    """Send the answer byte by byte, so that no read time-out ever occurs."""
    is_over = Event()

    def trickle(caller: socket.socket) -> None:
        with caller, suppress(OSError):
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not is_over.wait(0.05):
                caller.sendall(b" ")

    def serve() -> None:
        with suppress(OSError), ThreadPoolExecutor() as pool:
            while not is_over.is_set():
                pool.submit(trickle, listener.accept()[0])

    hurry = patch.object(stripe_gateway, "DEADLINE_SECONDS", 0.5)
    with hurry, socket.create_server(("127.0.0.1", 0)) as listener:
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = Thread(target=serve)
        server.start()
        try:
            yield
        finally:
            is_over.set()
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
