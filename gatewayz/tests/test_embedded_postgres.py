"""The embedded PostgreSQL: shared, stopped by the last one out, intact after kill -9."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gatewayz.dev import embedded_postgres, postgres_binaries
from gatewayz.dev.embedded_postgres import SHORT_DIRECTORY, Server, running
from gatewayz.dev.postgres_binaries import EmbeddedPostgresError

pytestmark = pytest.mark.ci

HOLDER_IN_ANOTHER_PROCESS = """
import sys, time
from pathlib import Path
from gatewayz.dev.embedded_postgres import running

with running(Path(sys.argv[1])) as server:
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a short path, which the server's account may enter."""
    with tempfile.TemporaryDirectory(prefix="gatewayz-test-", dir=SHORT_DIRECTORY) as path:
        Path(path).chmod(0o755)
        yield Path(path)


def note(server: Server, text: str) -> None:
    with psycopg.connect(server.url("postgres")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [text])


def read_notes(server: Server) -> list[str]:
    with psycopg.connect(server.url("postgres")) as connection:
        if connection.execute("SELECT to_regclass('notes')").fetchone() == (None,):
            return []
        return [row[0] for row in connection.execute("SELECT text FROM notes")]


def is_up(server: Server) -> bool:
    try:
        psycopg.connect(server.url("postgres")).close()
    except psycopg.OperationalError:
        return False
    return True


def postmaster_of(folder: Path) -> int:
    return int((folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def test_two_holders_share_one_server_and_the_last_one_out_stops_it(folder: Path) -> None:
    with running(folder, durable=False) as first:
        with running(folder, durable=False) as second:
            note(first, "seen by both")
            seen = read_notes(second)
        is_up_after_one_left = is_up(first)

    assert seen == ["seen by both"]
    assert is_up_after_one_left
    assert not is_up(first)
    with running(folder, durable=False) as not_durable:
        assert read_notes(not_durable) == []


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "stale pid file"])
def test_it_starts_again_with_the_data_of_before(folder: Path, is_killed: bool) -> None:
    with running(folder) as server:
        note(server, "committed")
        if is_killed:
            os.kill(postmaster_of(folder), signal.SIGKILL)
    if not is_killed:  # The number in the file is that of another process.
        (folder / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    with running(folder) as server:
        assert read_notes(server) == ["committed"]


def test_a_second_holder_restarts_a_killed_server_for_the_first(folder: Path) -> None:
    with running(folder) as first:
        note(first, "committed")
        os.kill(postmaster_of(folder), signal.SIGKILL)

        with running(folder):
            assert read_notes(first) == ["committed"]


def test_a_killed_holder_leaves_a_server_that_the_next_one_uses_and_stops(folder: Path) -> None:
    command = [sys.executable, "-c", HOLDER_IN_ANOTHER_PROCESS, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        left_running = postmaster_of(folder)
        holder.kill()

    with running(folder) as server:
        used = postmaster_of(folder)

    assert used == left_running
    assert not is_up(server)


def test_it_starts_over_after_a_killed_initdb_and_shows_the_log_when_it_cannot_start(
    folder: Path,
) -> None:
    unfinished = folder / "cluster.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with running(folder) as server:
        assert is_up(server)
    (folder / "cluster" / "PG_VERSION").write_text("9\n")

    with pytest.raises(EmbeddedPostgresError, match="incompatible with server"), running(folder):
        pass


def test_it_works_below_a_folder_with_a_long_and_odd_name(folder: Path) -> None:
    odd = folder / """a "folder" with $HOME, 100% it's""" / ("long" * 25)
    odd.parent.mkdir(mode=0o777)
    with running(odd, durable=False) as server:
        server.create_database("gatewayz")
        server.create_database("gatewayz")  # Nothing is refused when it is there.

        assert server.socket_directory.parent == SHORT_DIRECTORY
        with psycopg.connect(server.url("gatewayz")) as connection:
            assert connection.info.dbname == "gatewayz"
            named = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'gatewayz'")
            assert named.fetchall() == [(1,)]

    assert not server.socket_directory.exists()


def test_it_refuses_a_place_for_the_socket_that_is_another_users(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_postgres, "_digest", lambda _: folder.name)
    taken = SHORT_DIRECTORY / f"gatewayz-{folder.name}"
    taken.touch()

    try:
        with (
            pytest.raises(EmbeddedPostgresError, match="not a folder"),
            running(folder / ("d" * 100)),
        ):
            pass
    finally:
        taken.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_below_a_closed_folder_of_roots_the_data_are_kept_outside_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = folder / "outside"
    monkeypatch.setattr(postgres_binaries, "SYSTEM_DIRECTORY", outside)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)

    with running(closed / "data") as server:
        note(server, "kept")
    with running(closed / "data") as server:
        found_again = read_notes(server)
        is_outside = server.socket_directory.is_relative_to(outside)
    (closed / "data" / "data-are-in").unlink()
    with running(closed / "data") as server:
        after_a_new_checkout = read_notes(server)

    assert found_again == ["kept"]
    assert is_outside
    assert after_a_new_checkout == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_it_refuses_data_of_another_user(folder: Path) -> None:
    (folder / "cluster").mkdir(mode=0o700)

    with pytest.raises(EmbeddedPostgresError, match="belongs to user 0"), running(folder):
        pass
