"""Servers in Stripe's place: one that always answers the same, a silent one, and none at all."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from unittest.mock import patch

from payments import stripe_gateway


@dataclass
class FakeStripe:
    """A server in Stripe's place, which gives one answer to everything and keeps what it got."""

    address: str
    status: int
    body: bytes
    requests: list[tuple[str, str]] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    fake: FakeStripe


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        fake = self.server.fake
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fake.requests.append((self.headers["Idempotency-Key"], sent))
        self.send_response(fake.status)
        # Stripe asks for patience; we have a caller who waits.
        self.send_header("Retry-After", "60")
        self.send_header("Content-Length", str(len(fake.body)))
        self.end_headers()
        self.wfile.write(fake.body)

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
    """Let Stripe take connections, and never say a word."""
    # The tests have less patience; that the real one is short enough has a test of its own.
    hurry = patch.object(stripe_gateway, "TIMEOUT_SECONDS", (0.2, 0.2))
    with hurry, socket.create_server(("127.0.0.1", 0)) as listener:
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield


@contextmanager
def stripe_is_down(settings: Any) -> Iterator[None]:
    """Let nobody listen where Stripe should be."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{port}"
    yield
