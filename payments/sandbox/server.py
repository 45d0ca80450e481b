"""The sandbox as a WSGI application, and a small server of it for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import QuietWSGIRequestHandler
from django.test.utils import override_settings


class SandboxRequest(WSGIRequest):
    """A request that the sandbox's URLs answer, not the program's."""

    urlconf = "payments.sandbox.urls"


class SandboxHandler(WSGIHandler):
    """Serve the sandbox, without the program's middleware."""

    request_class = SandboxRequest

    def load_middleware(self, is_async: bool = False) -> None:
        with override_settings(MIDDLEWARE=[]):
            super().load_middleware(is_async)


@contextmanager
def serving() -> Iterator[str]:
    """Serve the sandbox from threads, on the same database; yield its address.

    Nothing is sent until somebody calls `deliveries.deliver_due`.
    """
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(SandboxHandler())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
