"""A primary, a streaming replica, and what an administrator does with them."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from gatewayz.dev.checkout import Refusal
from gatewayz.dev.drill.supervisor import Service, Supervisor
from gatewayz.dev.postgres_binaries import ServerAccount
from gatewayz.dev.waiting import wait_until

ADMINISTRATOR, OWNER, APPLICATION = "postgres", "gatewayz_owner", "gatewayz"
DATABASE = "gatewayz"
PASSWORD = secrets.token_hex(16)  # of every role
PATIENCE_SECONDS = 120
SMALL_DISK = "600m"
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
wal_level = replica
archive_mode = on
archive_command = 'cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f'
archive_timeout = 5
hot_standby_feedback = on
max_wal_size = 128MB
min_wal_size = 32MB
max_slot_wal_keep_size = 256MB
recovery_init_sync_method = syncfs
"""


@dataclass
class Server:
    """One server; it is the primary, or follows it."""

    name: str
    port: int
    data: Path

    def url(self, role: str, database: str = DATABASE) -> str:
        return f"postgres://{role}:{PASSWORD}@127.0.0.1:{self.port}/{database}"


class Cluster:
    """Both servers, by the programs of one folder."""

    def __init__(
        self, binaries: Path, folder: Path, ports: tuple[int, int], supervisor: Supervisor
    ) -> None:
        self.binaries, self.folder, self.supervisor = binaries, folder, supervisor
        self.account = ServerAccount.choose()
        self.archive = folder / "archive"
        first, second = ports
        self.primary = Server("postgresql-1", first, folder / "data-1")
        self.replica = Server("postgresql-2", second, folder / "data-2")

    @contextmanager
    def created(self) -> Iterator[None]:
        """Make the primary, on a small disk of its own where we are root, and the replica."""
        for folder in (self.folder, self.archive):
            folder.mkdir(exist_ok=True)
            os.chown(folder, self.account.uid, self.account.gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        os.chown(secret, self.account.uid, self.account.gid)
        disk = self.primary.data
        is_mounted = _mount(disk, self.account)
        try:
            self._create(secret)
            yield
        finally:
            self.supervisor.end()
            if is_mounted:
                subprocess.run(["umount", "--lazy", disk], check=True)

    def _create(self, secret: Path) -> None:
        self.run(
            *("initdb", "-D", self.primary.data, "-U", ADMINISTRATOR, "--encoding=UTF8"),
            *("--auth=scram-sha-256", f"--pwfile={secret}", "--locale=C.UTF-8"),
        )
        with (self.primary.data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(archive=self.archive))
        self.start(self.primary)
        self.copy_primary()

    def copy_primary(self) -> None:
        """Make the replica anew from the primary, and let it follow."""
        remove(self.replica.data)
        self.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots",
            "SELECT pg_create_physical_replication_slot('replica')",
        )
        self.base_backup(self.replica.data, "--write-recovery-conf", "--slot=replica")
        self.start(self.replica)

    def base_backup(self, target: Path, *options: str) -> None:
        """Copy the primary while it runs."""
        address = self.primary.url(ADMINISTRATOR, "postgres") + "?application_name=replica"
        self.run("pg_basebackup", "-D", target, "--checkpoint=fast", "-d", address, *options)

    def start(self, server: Server) -> None:
        """Start it and wait until it answers."""
        command: list[str | Path] = [
            self.binaries / "postgres",
            "-D",
            server.data,
            "-p",
            f"{server.port}",
        ]
        log = self.folder.parent / f"{server.name}.log"
        options, fast_shutdown = self.account.process_options, signal.SIGINT
        self.supervisor.start(Service(server.name, command, log, options, fast_shutdown))
        self.wait(server)

    def wait(self, server: Server) -> None:
        """Wait until it takes connections."""

        def refusal() -> str:
            try:
                psycopg.connect(server.url(ADMINISTRATOR, "postgres")).close()
            except psycopg.OperationalError as error:
                return f"{server.name} does not answer: {error}"
            return ""

        wait_until(refusal, PATIENCE_SECONDS)

    def wait_for_value(self, query: str, wanted: int, *parameters: object) -> None:
        """Wait until a query finds this."""

        def refusal() -> str:
            return "" if self.value(query, *parameters) == wanted else f"not {wanted}: {query}"

        wait_until(refusal, PATIENCE_SECONDS)

    def fail_over(self) -> None:
        """The primary is gone for good: the replica takes its place."""
        self.supervisor.stop(self.primary.name, signal.SIGKILL)
        self.run("pg_ctl", "promote", "-D", self.replica.data, "-w")
        self.primary, self.replica = self.replica, self.primary

    def execute(self, *statements: str) -> None:
        """Run each statement on the primary as an administrator."""
        url = self.primary.url(ADMINISTRATOR, "postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def value(self, query: str, *parameters: object, server: Server | None = None) -> object:
        """Return the one value that a query of the server finds, as an administrator."""
        with psycopg.connect((server or self.primary).url(ADMINISTRATOR)) as connection:
            row = connection.execute(query.encode(), parameters).fetchone()
            return row[0] if row else None

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs. Raises Refusal with what it said."""
        done = self.account.run([self.binaries / program, *arguments])
        if done.returncode:
            raise Refusal(f"{program} failed: {done.stdout}{done.stderr}")


def remove(data: Path) -> None:
    """Delete what is in the folder, which may be a disk of its own."""
    for child in data.iterdir() if data.exists() else ():
        shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()


def _mount(data: Path, account: ServerAccount) -> bool:
    """Give the folder a small disk of its own, in memory; only root may, and not everywhere."""
    data.mkdir(mode=0o700)
    os.chown(data, account.uid, account.gid)
    options = f"size={SMALL_DISK},mode=0700,uid={account.uid},gid={account.gid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(data)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run_sql(binaries: Path, url: str, script: str) -> None:
    """Run a script of psql as docs/production.md has it. Raises Refusal."""
    done = subprocess.run(
        [binaries / "psql", "--quiet", "--set=ON_ERROR_STOP=1", url],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal(f"psql failed: {done.stderr}")
