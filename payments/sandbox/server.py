"""The sandbox as a WSGI application, and a small server of it for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.utils import override_settings

from payments.sandbox.deliveries import deliver_until


class SandboxRequest(WSGIRequest):
    """A request that the sandbox's URLs answer, not the program's."""

    urlconf = "payments.sandbox.urls"


class SandboxHandler(WSGIHandler):
    """Serve the sandbox, without the program's middleware."""

    request_class = SandboxRequest

    def load_middleware(self, is_async: bool = False) -> None:
        with override_settings(MIDDLEWARE=[]):
            super().load_middleware(is_async)


class _QuietRequestHandler(WSGIRequestHandler):
    """Keep requests out of the output of tests."""

    def log_message(self, *message: Any) -> None:
        pass


@contextmanager
def serving(port: int = 0, *, deliver: bool = False) -> Iterator[str]:
    """Serve the sandbox from threads, on the same database; yield its address.

    Without `deliver` nothing is sent until somebody calls `deliveries.deliver_due`.
    """
    server = ThreadedWSGIServer(("127.0.0.1", port), _QuietRequestHandler)
    server.set_app(SandboxHandler())
    stopped = Event()
    threads = [Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)]
    if deliver:
        threads.append(Thread(target=deliver_until, args=(stopped,), daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
