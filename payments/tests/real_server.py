"""The program under granian, in its own processes, on the database of the test."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings
from django.db import connection

from accounts.tests.roles import APPLICATION
from gatewayz.dev.web_server import granian
from payments.tests.at_once import wait_until
from payments.tests.stripe_events import WEBHOOK_PATH, signed

PATIENCE_SECONDS = 30
# A test run that is killed leaves no server behind.
EXIT_WITH_PARENT = (sys.executable, "-m", "gatewayz.dev.exit_with_parent")


@dataclass(frozen=True)
class Server:
    """A running server, called over HTTP."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> requests.Response:
        """Send one request with a JSON body; `key` is the caller's API key."""
        return self.send(method, path, body and json.dumps(body), key=key, **headers)

    def deliver(self, event: Mapping[str, Any], **headers: str) -> requests.Response:
        """Deliver `event` as Stripe does, with additional `headers`."""
        body = json.dumps(event).encode()
        return self.send(
            "POST", WEBHOOK_PATH, body, **{"Stripe-Signature": signed(body)}, **headers
        )

    def send(
        self, method: str, path: str, body: Any, *, key: str = "", **headers: str
    ) -> requests.Response:
        """Send one request on a new connection."""
        headers["Content-Type"] = "application/json"
        if key:
            headers["Authorization"] = f"Bearer {key}"
        wait_until(self._is_listening, seconds=PATIENCE_SECONDS)
        return requests.request(
            method, self.address + path, data=body, headers=headers, timeout=PATIENCE_SECONDS
        )

    def _is_listening(self) -> bool:
        """Nobody listens before the server has started, nor while its only worker is replaced."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            assert self.process.poll() is None, "the server has ended"
            return False
        return True


@contextmanager
def serving(
    command: Callable[..., list[str]] | None = None,
    *,
    workers: int = 1,
    threads: int = 1,
    **environment: str,
) -> Iterator[Server]:
    """Serve until the end of the block; its log is what the test writes to standard error.

    `command` says how at a given port, if not by granian with so many workers and threads.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = command or partial(
        granian, "gatewayz.wsgi:application", workers=workers, threads=threads
    )
    process = subprocess.Popen(
        [*EXIT_WITH_PARENT, *command(port=port)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()} | environment,
        stdin=subprocess.PIPE,
    )
    try:
        yield Server(port, process)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def database_url(*, as_owner: bool = False) -> str:
    """Return the URL of the database that Django is connected to, for the application's role."""
    database = connection.settings_dict
    host = database["OPTIONS"].get("host") or database["HOST"] or "localhost"
    port = database["OPTIONS"].get("port") or database["PORT"] or 5432
    user = database["USER"] if as_owner else APPLICATION
    person = ":".join(quote(part, safe="") for part in (user, database["PASSWORD"])).rstrip(":")
    name = quote(database["NAME"], safe="")
    return f"postgresql://{person}@/{name}?host={quote(host, safe='')}&port={port}"
