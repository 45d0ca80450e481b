"""The program under gunicorn, in its own processes, on the database of the test."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings
from django.db import connection

from payments.tests.stripe_events import WEBHOOK_PATH, signed

PATIENCE_SECONDS = 30
# A test run that is killed leaves no server behind.
EXIT_WITH_PARENT = (sys.executable, "-m", "gatewayz.dev.exit_with_parent")
GUNICORN = (*EXIT_WITH_PARENT, "gunicorn", "--no-control-socket")


@dataclass(frozen=True)
class Server:
    """A running server, called over HTTP."""

    address: str
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> requests.Response:
        """Send one request on a new connection; `key` is the caller's API key."""
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return requests.request(
            method, self.address + path, json=body, headers=headers, timeout=PATIENCE_SECONDS
        )

    def deliver(self, event: Mapping[str, Any], **headers: str) -> requests.Response:
        """Deliver `event` as Stripe does, with additional `headers`."""
        body = json.dumps(event).encode()
        headers |= {"Content-Type": "application/json", "Stripe-Signature": signed(body)}
        return requests.post(
            self.address + WEBHOOK_PATH, body, headers=headers, timeout=PATIENCE_SECONDS
        )


@contextmanager
def serving(
    application: str = "gatewayz.wsgi", *, workers: int = 1, threads: int = 1, **environment: str
) -> Iterator[Server]:
    """Serve until the end of the block; its log is what the test writes to standard error.

    The socket listens before gunicorn starts, so that whoever asks early waits instead of failing.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        command = [*GUNICORN, "--bind", f"fd://{listener.fileno()}", "--log-level", "critical"]
        command += ["--workers", f"{workers}", "--threads", f"{threads}"]
        # The workers are forked from a process that has read the program: one is quickly replaced.
        command += ["--preload", "--graceful-timeout", "1", f"{application}:application"]
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": database_url()} | environment,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield Server(address, process)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def database_url() -> str:
    """Return the URL of the database that Django is connected to."""
    database = connection.settings_dict
    host = database["OPTIONS"].get("host") or database["HOST"] or "localhost"
    port = database["OPTIONS"].get("port") or database["PORT"] or 5432
    person = ":".join(quote(database[part], safe="") for part in ("USER", "PASSWORD")).rstrip(":")
    name = quote(database["NAME"], safe="")
    return f"postgresql://{person}@/{name}?host={quote(host, safe='')}&port={port}"
