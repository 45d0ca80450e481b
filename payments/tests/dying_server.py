"""The program's application, which dies in the middle of its work where a header says so.

The work has moments: just before and just after each statement and each COMMIT. This is the only
failpoint there is; the program itself knows of none.
"""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.db import connections
from django.urls import reverse
from granian.constants import Interfaces
from granian.server.mp import MPServer

from gatewayz.wsgi import application as program

PATIENCE_SECONDS = 10
# Read every path's view before the workers are forked, or each of them would do so once.
reverse("healthz")

# The moment at which to die, and whose death it is: PostgreSQL's, or without it our own.
DIES_AT = "Dies-At"
POSTMASTER = "Postmaster"
# The answer tells how many moments there were.
MOMENTS = "Moments"


def command(*, port: int) -> list[str]:
    """Return the module and its options that serve this application."""
    return ["payments.tests.dying_server", f"{port}"]


@dataclass
class Failpoint:
    """Counts the moments of a request, and kills the process at one of them."""

    dies_at: int
    postmaster: int
    moments: int = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        # Typed loosely: what sends the COMMIT is no part of Django's public face.
        connection: Any = connections["default"]
        commit = self._between_moments(connection._commit)
        with (
            patch.object(connection, "_commit", commit),
            connection.execute_wrapper(self._around_statement),
        ):
            yield

    def _around_statement(self, execute: Callable[..., Any], *statement: Any) -> Any:
        return self._between_moments(execute)(*statement)

    def _between_moments(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any) -> Any:
            self._pass_moment()
            result = work(*arguments)
            self._pass_moment()
            return result

        return watched

    def _pass_moment(self) -> None:
        if self.moments == self.dies_at:
            self._strike()
        self.moments += 1

    def _strike(self) -> None:
        if not self.postmaster:
            os.kill(os.getpid(), signal.SIGKILL)
        # What `pg_ctl stop -m immediate` sends.
        os.kill(self.postmaster, signal.SIGQUIT)
        farewell, _, _ = select.select(
            [connections["default"].connection], [], [], PATIENCE_SECONDS
        )
        assert farewell, "PostgreSQL does not stop"


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer as the program does, or die."""
    failpoint = Failpoint(
        dies_at=int(environ.get("HTTP_DIES_AT", -1)),
        postmaster=int(environ.get("HTTP_POSTMASTER", 0)),
    )

    def counted(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, (MOMENTS, str(failpoint.moments))], *rest)

    with failpoint.watching():
        return program(environ, counted)


class Replacing(MPServer):
    """Replaces its worker however often that dies; granian itself gives up the second time."""

    def _respawn_workers(self, *arguments: Any, **options: Any) -> None:
        super()._respawn_workers(*arguments, **options)
        self.respawned_wrks.clear()


if __name__ == "__main__":
    Replacing(
        "payments.tests.dying_server:application",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        blocking_threads=1,
        respawn_failed_workers=True,
        log_enabled=False,
    ).serve()
