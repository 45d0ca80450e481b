"""Runs a PostgreSQL of the project's own, shared by the processes that ask for it.

Everything that says "in use" here is a file lock, which the kernel releases when its holder dies,
however it dies. There are three beside the data:

- `turn.lock`: held while a process starts, stops or moves the server; one at a time.
- `holders.lock`: shared by all who use the server; who can have it alone is the only one.
- `server.lock`: handed down to PostgreSQL's processes; free when none of them lives any more,
  which no process number in a file could tell.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

from gatewayz.dev.postgres_binaries import (
    EmbeddedPostgresError,
    ServerAccount,
    find_binaries,
    make_system_directory,
)

PORT = 5432
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.02
LOG_LINES_SHOWN = 15
FIRST_WITH_BUILTIN_LOCALE = 17

# macOS has room for 104 bytes in a socket's address, the closing zero included; Linux for 108.
SOCKET_PATH_LIMIT = 104
SHORT_DIRECTORY = Path("/tmp")


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL, reached through its socket."""

    socket_directory: Path

    def url(self, database: str, *, role: str = "postgres") -> str:
        host = quote(str(self.socket_directory))
        return f"postgresql://{role}@/{quote(database, safe='')}?host={host}&port={PORT}"

    def create_database(self, name: str) -> None:
        """Create the database unless it is there."""
        self._create("CREATE DATABASE {}", name)

    def create_role(self, name: str) -> None:
        """Create a role that may log in, unless it is there."""
        self._create("CREATE ROLE {} LOGIN", name)

    def _create(self, statement: LiteralString, name: str) -> None:
        with (
            psycopg.connect(self.url("postgres"), autocommit=True) as connection,
            # Two who create it at the same moment meet in the index of the catalogue.
            suppress(
                psycopg.errors.DuplicateDatabase,
                psycopg.errors.DuplicateObject,
                psycopg.errors.UniqueViolation,
            ),
        ):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


@contextmanager
def running(data_directory: Path, *, durable: bool = True) -> Iterator[Server]:
    """Hold a server on `data_directory`: the first one in starts it, the last one out stops it.

    One that is not `durable` is for tests: quick, and empty whenever nobody else holds it.
    Raises `EmbeddedPostgresError` when there is no way to run it.
    """
    data_directory = data_directory.absolute()
    data_directory.mkdir(parents=True, exist_ok=True)
    turn, holders = data_directory / "turn.lock", data_directory / "holders.lock"
    with holders.open("a") as held:
        with _locked(turn):
            is_first = _try_lock_alone(held)
            cluster = _Cluster.locate(data_directory, durable=durable, may_discard=is_first)
            try:
                cluster.ensure_started(anew=is_first and not durable)
            except BaseException:
                cluster.leave(is_last=is_first)
                raise
            fcntl.flock(held, fcntl.LOCK_SH)
        try:
            yield Server(cluster.socket_directory)
        finally:
            with _locked(turn):
                cluster.leave(is_last=_try_lock_alone(held))


@dataclass
class _Cluster:
    """The data, the socket and the log of one server, and the programs that work on them."""

    home: Path
    server_lock: Path
    durable: bool
    account: ServerAccount
    binaries: Path
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def locate(cls, data_directory: Path, *, durable: bool, may_discard: bool) -> "_Cluster":
        account = ServerAccount.choose()
        return cls(
            home=_choose_home(data_directory, account, may_discard=may_discard),
            server_lock=data_directory / "server.lock",
            durable=durable,
            account=account,
            binaries=find_binaries(account),
        )

    @property
    def data(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "postgresql.log"

    @property
    def socket_directory(self) -> Path:
        inside = self.home / "socket"
        is_short = len(os.fsencode(inside / f".s.PGSQL.{PORT}")) < SOCKET_PATH_LIMIT
        # PostgreSQL's clients take a comma for the end of a host's name.
        if is_short and "," not in str(inside):
            return inside
        return SHORT_DIRECTORY / f"gatewayz-{_digest(self.home)}"

    def ensure_started(self, *, anew: bool) -> None:
        """Start the server unless it answers, or is about to; `anew` throws its data away first."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while anew or not self.is_answering():
            if anew:
                self.stop()
            with self.server_lock.open("a") as alive:
                if _try_lock_alone(alive):
                    if anew:
                        shutil.rmtree(self.data, ignore_errors=True)
                    return self._start(alive)
            # Processes of an earlier server live: it is starting still, or they are going.
            self._check_deadline(deadline)
            time.sleep(POLL_SECONDS)
        return None

    def is_answering(self) -> bool:
        socket = self.socket_directory
        if not socket.is_dir():
            return False
        return self._run("pg_isready", "--quiet", "-h", socket, "-p", str(PORT)).returncode == 0

    def leave(self, *, is_last: bool) -> None:
        """Stop the server, or leave it to its other holders."""
        if is_last:
            self.stop()
        elif self.process is not None:
            # It may outlive us, and is not complained about when it is not ours to wait for.
            self.process.returncode = 0

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        if self.is_answering() or (self.process is not None and self.process.poll() is None):
            mode = "fast" if self.durable else "immediate"
            stopped = self._run(
                "pg_ctl", "stop", "-D", self.data, "-m", mode, "-w", "-t", str(PATIENCE_SECONDS)
            )
            if stopped.returncode != 0 and self.is_answering():
                raise EmbeddedPostgresError(f"PostgreSQL does not stop: {stopped.stderr.strip()}")
        if self.process is not None:
            self.process.wait()
        if self.socket_directory.parent != self.home:
            with suppress(OSError):
                self.socket_directory.rmdir()

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.account.run([self.binaries / program, *arguments])

    def _start(self, alive: IO[str]) -> None:
        """Start the server; `alive` is the lock that its processes keep for as long as they live.

        The caller holds that lock alone, so what a killed server left behind is safe to remove.
        """
        self.account.make_private(self.socket_directory)
        for leftover in (*self.socket_directory.iterdir(), self.data / "postmaster.pid"):
            leftover.unlink(missing_ok=True)
        if not self.data.exists():
            self._initialise()
        self.account.make_private(self.data)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, *self._server_options()],
                stdout=log,
                stderr=log,
                pass_fds=(alive.fileno(),),
                **self.account.process_options,
            )
        self._wait_until_answering(self.process)

    def _wait_until_answering(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.is_answering():
            if process.poll() is not None:
                raise EmbeddedPostgresError(f"PostgreSQL did not start.\n{self._read_log_end()}")
            self._check_deadline(deadline)
            time.sleep(POLL_SECONDS)

    def _check_deadline(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not answer after {PATIENCE_SECONDS} s.\n{self._read_log_end()}"
            )

    def _read_log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log}:", *lines[-LOG_LINES_SHOWN:]])

    def _initialise(self) -> None:
        """Make the data folder beside its place, so that a half-made one is never mistaken."""
        unfinished = self.home / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.account.make_private(unfinished)
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", *self._locale_options()]
        if not self.durable:
            options.append("--no-sync")
        made = self._run("initdb", "-D", unfinished, *options)
        if made.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed.\n{made.stdout}{made.stderr}")
        unfinished.rename(self.data)

    def _locale_options(self) -> list[str]:
        """Choose an order of text that is the same on every machine."""
        version = self._run("postgres", "--version").stdout.split()[2]
        if int(version.partition(".")[0]) >= FIRST_WITH_BUILTIN_LOCALE:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return ["--locale=C.UTF-8"]

    def _server_options(self) -> list[str]:
        quoted_socket = str(self.socket_directory).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{quoted_socket}"',
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "max_connections": "300",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for item in settings.items() for part in ("-c", "=".join(item))]


def _choose_home(data_directory: Path, account: ServerAccount, *, may_discard: bool) -> Path:
    """Return where the data live: in the folder itself, or where the server's account gets in.

    The folder then names that place. When it does not, what is there was left by an earlier
    checkout at the same path, and would be a surprise in a new one.
    """
    if account.can_reach(data_directory):
        return data_directory
    home = make_system_directory(f"{data_directory.name}-{_digest(data_directory)}")
    note = data_directory / "data-are-in"
    if may_discard and not note.exists():
        shutil.rmtree(home)
        make_system_directory(home.name)
        note.write_text(f"{home}\n")
    return home


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _try_lock_alone(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
