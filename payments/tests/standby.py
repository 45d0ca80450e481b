"""A streaming replica of a test's PostgreSQL, which may lag, stop and start."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import psycopg
from django.db import connection, connections, router
from django.test import override_settings

from accounts import report_database
from accounts.report_database import REPLICA
from accounts.tests.roles import APPLICATION
from gatewayz import database_url
from gatewayz.dev.embedded_postgres import PATIENCE_SECONDS, SHORT_DIRECTORY
from gatewayz.dev.embedded_postgres import Server as Address
from gatewayz.dev.postgres_binaries import ServerAccount, find_binaries
from gatewayz.postgresql.connection_settings import replica_database
from payments.tests.at_once import wait_until
from payments.tests.own_postgres import NAME, OwnPostgres


@dataclass
class Standby:
    """It follows the primary until `pause` or `stop`."""

    primary: OwnPostgres
    folder: Path
    account: ServerAccount = field(default_factory=ServerAccount.choose)

    @property
    def url(self) -> str:
        return Address(self.folder).url(NAME)

    def copy_primary(self) -> None:
        self._run("pg_basebackup", "-D", self.folder / "data", "--write-recovery-conf")

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-l", self.folder / "log", "-o", self._options())

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def pause(self) -> None:
        """Let it replay nothing more of what it receives."""
        self._execute("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        self._execute("SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Wait until it has what is committed on the primary."""
        with psycopg.connect(self.primary.url) as there:
            [committed] = there.execute("SELECT pg_current_wal_flush_lsn()").fetchone() or [None]
        caught_up = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        wait_until(lambda: bool(self._execute(caught_up, committed)), seconds=PATIENCE_SECONDS)

    def _execute(self, statement: str, *params: object) -> object:
        with psycopg.connect(self.url, autocommit=True) as there:
            [value] = there.execute(statement.encode(), params).fetchone() or [None]
            return value

    def _options(self) -> str:
        # It must allow as many connections as its primary.
        return f"-k {self.folder} -c listen_addresses= -c max_connections=300 -c fsync=off"

    def _run(self, program: str, *arguments: str | Path) -> None:
        there = {"pg_basebackup": ["-d", self.primary.url, "--checkpoint=fast", "--no-sync"]}
        data = there.get(program, ["-D", self.folder / "data"])
        command = [find_binaries(self.account) / program, *arguments, *data]
        options = self.account.process_options
        # Its output goes to no pipe, which the server would keep open.
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)


@contextmanager
def standby_of(primary: OwnPostgres) -> Iterator[Standby]:
    with tempfile.TemporaryDirectory(prefix="gatewayz-test-", dir=SHORT_DIRECTORY) as folder:
        standby = Standby(primary, Path(folder))
        os.chown(folder, standby.account.uid, standby.account.gid)
        standby.copy_primary()
        standby.start()
        try:
            yield standby
        finally:
            standby.stop()


@contextmanager
def reports_read(standby: Standby) -> Iterator[None]:
    """Let Django's reports read it, as the application, as if DATABASE_REPLICA_URL were set."""
    there = replica_database(database_url.parse(standby.url, "url"))
    there["OPTIONS"]["assume_role"] = APPLICATION
    there["TEST"] = connection.settings_dict["TEST"]
    routers = [f"{report_database.__name__}.Router"]
    with (
        patch.dict(connections.settings, {REPLICA: connection.settings_dict | there}),
        patch.object(report_database, "_memory", report_database._Memory()),
        override_settings(DATABASE_ROUTERS=routers),
    ):
        try:
            yield
        finally:
            connections[REPLICA].close()
            del connections[REPLICA]
    assert not router.routers
