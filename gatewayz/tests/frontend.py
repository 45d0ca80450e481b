"""The npm packages of the example front end, installed once beside the databases of the tests."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from gatewayz.dev.checkout import ROOT, WORKSHOP

SOURCE = ROOT / "docs/frontend"
_LOCK = "package-lock.json"


def installed() -> Path:
    """Return the folder `node_modules`; skip the test without npm, or fail if it is required."""
    npm = shutil.which("npm")
    if npm is None:
        _give_up("npm is not on PATH")
    folder = WORKSHOP / "frontend"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # the tests run in several processes
        wanted, done = (SOURCE / _LOCK).read_bytes(), folder / "done"
        if not (done.exists() and done.read_bytes() == wanted):
            for name in ("package.json", _LOCK):
                shutil.copy(SOURCE / name, folder)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            outcome = _run(command, folder)
            if outcome.returncode != 0:
                _give_up(f"npm ci failed: {outcome.stderr.strip()[-300:]}")
            done.write_bytes(wanted)
    return folder / "node_modules"


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def run(tool: str, *arguments: str, folder: Path) -> None:
    """Run a tool of the packages in the folder."""
    command = [str(installed() / ".bin" / tool), *arguments]
    outcome = _run(command, folder)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def built(folder: Path) -> Path:
    """Compile the example page into the folder."""
    shutil.copytree(
        SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "*.js"), dirs_exist_ok=True
    )
    (folder / "node_modules").symlink_to(installed())
    run("tsc", folder=folder)
    return folder
