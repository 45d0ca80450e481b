"""A small HTTP server that gives the answers which a test sets, and keeps what it was sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


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
