"""A PostgreSQL for one test, which may stop, crash, fill and start it."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from django.core.management import call_command
from django.db import connection

from accounts.tests.roles import APPLICATION, create_application_role
from gatewayz import database_url
from gatewayz.dev import embedded_postgres
from gatewayz.dev.embedded_postgres import SHORT_DIRECTORY

NAME = "gatewayz"


@dataclass
class OwnPostgres:
    """It keeps what is committed, as a real one does."""

    folder: Path
    url: str = ""
    _running: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start it; after a crash this includes the recovery."""
        server = self._running.enter_context(embedded_postgres.running(self.folder, durable=True))
        server.create_database(NAME)
        self.url = server.url(NAME)

    def stop(self) -> None:
        """Shut it down, or wait for its end after a crash."""
        connection.close()
        self._running.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Keep it stopped until the end of the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def crash(self) -> None:
        """Crash it, as `pg_ctl stop -m immediate` does."""
        os.kill(self.postmaster, signal.SIGQUIT)
        self.stop()

    @property
    def postmaster(self) -> int:
        return int((self.folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Start one, with the program's tables."""
    with tempfile.TemporaryDirectory(prefix="gatewayz-test-", dir=SHORT_DIRECTORY) as folder:
        # Its account is not root, even where we are.
        Path(folder).chmod(0o755)
        postgres = OwnPostgres(Path(folder))
        postgres.start()
        try:
            with connected_to(postgres, as_owner=True):
                call_command("migrate", verbosity=0)
                create_application_role()
                _hurry_recovery()
            yield postgres
        finally:
            # Nobody wants its data any more, so it need not tidy them.
            postgres.crash()


def _hurry_recovery() -> None:
    """Let a start after a crash flush the disk by one call where it can, not file by file."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT enumvals FROM pg_settings WHERE name = 'recovery_init_sync_method'")
        if any("syncfs" in ways for (ways,) in cursor.fetchall()):
            cursor.execute("ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'")


@contextmanager
def connected_to(postgres: OwnPostgres, *, as_owner: bool = False) -> Iterator[None]:
    """Connect Django to it until the end of the block, as the application."""
    there = database_url.parse(postgres.url, "url")
    options = connection.settings_dict["OPTIONS"] | there.pop("OPTIONS")
    options["assume_role"] = None if as_owner else APPLICATION
    connection.close()
    with patch.dict(connection.settings_dict, there, OPTIONS=options):
        try:
            yield
        finally:
            connection.close()
