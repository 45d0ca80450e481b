"""Makes `.venv` from the hashed lock, once for each lock and Python; needs a bare Python only.

Each environment is built in a folder of its own and stamped when it is complete; `.venv` is a link
that is turned to it then. A build that is killed leaves no stamp, so the next one begins anew.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
LINK = ROOT / ".venv"
LOCK_FILE = ROOT / "requirements-dev.txt"
WORKSHOP = ROOT / ".dev"
ENVIRONMENTS = WORKSHOP / "environments"
INSTALLER = WORKSHOP / "installer"
UV = "uv==0.13.9"
STAMP = "complete"
KEPT_ENVIRONMENTS = 2


class CannotInstall(Exception):
    """The environment cannot be made, for the reason that the message tells."""


def ensure() -> None:
    """Make `.venv` be what the lock says, and do nothing when it is."""
    environment = ENVIRONMENTS / _name_environment()
    if _is_current(environment):
        return
    if LINK.exists() and not LINK.is_symlink():
        raise CannotInstall(f"{LINK} was not made by ./dev; please remove it.")
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with (WORKSHOP / "environments.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / STAMP).exists():
            _build(environment, lock)
        _turn_link(environment)
        _remove_old_ones(environment)


def install_aside(requirements: Path) -> Path:
    """Return a folder with these pinned packages, which do not fit into `.venv`; install them once.

    Only the packages that the file lists are installed. Raises CannotInstall.
    """
    made_of = f"{requirements.read_text()}{sys.version}"
    folder = WORKSHOP / "aside" / hashlib.sha256(made_of.encode()).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (WORKSHOP / "environments.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / STAMP).exists():
            shutil.rmtree(folder, ignore_errors=True)
            _has_uv(lock)  # makes the environment that has pip
            options = ["--no-deps", "--target", str(folder)]
            _must_run([*_pip(), *_install_arguments(), str(requirements), *options], lock)
            (folder / STAMP).touch()
    return folder


def _name_environment() -> str:
    """Name all that an environment is made of; it has the checkout's place in its scripts."""
    made_of = [LOCK_FILE.read_text(), sys.version, os.path.realpath(sys.executable), str(ROOT)]
    return hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:16]


def _is_current(environment: Path) -> bool:
    return LINK.resolve() == environment.resolve() and (environment / STAMP).exists()


def _build(environment: Path, lock: IO[str]) -> None:
    print("./dev: installing what the lock names into .venv …", file=sys.stderr, flush=True)
    if importlib.util.find_spec("ensurepip") is None:
        raise CannotInstall(
            f"{sys.executable} cannot make virtual environments. On Debian or Ubuntu:\n"
            f"    apt-get install python3-venv\n"
            f"(python{sys.version_info.major}.{sys.version_info.minor}-venv where this Python "
            "is not the system's own)."
        )
    shutil.rmtree(environment, ignore_errors=True)
    _must_run([sys.executable, "-m", "venv", "--without-pip", str(environment)], lock)
    python = str(environment / "bin" / "python")
    if not (_has_uv(lock) and _install_by_uv(python, lock)):
        print("./dev: uv cannot be had; installing by pip.", file=sys.stderr, flush=True)
        _must_run([*_pip(), "--python", python, *_install_arguments(), str(LOCK_FILE)], lock)
    (environment / STAMP).touch()


def _has_uv(lock: IO[str]) -> bool:
    """Return whether uv can be had, in an environment of its own, where pip is in any case."""
    made_of = f"{UV} {sys.version} {ROOT}"
    stamp = INSTALLER / STAMP
    if stamp.exists() and stamp.read_text() == made_of:
        return True
    shutil.rmtree(INSTALLER, ignore_errors=True)
    _must_run([sys.executable, "-m", "venv", str(INSTALLER)], lock)
    if not _run([*_pip(), "install", "--quiet", UV], lock):
        return False
    stamp.write_text(made_of)
    return True


def _pip() -> list[str]:
    return [str(INSTALLER / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]


def _install_arguments() -> list[str]:
    return ["install", "--quiet", "--require-hashes", "-r"]


def _install_by_uv(python: str, lock: IO[str]) -> bool:
    uv = [str(INSTALLER / "bin" / "python"), "-m", "uv", "pip"]
    return _run([*uv, *_install_arguments(), str(LOCK_FILE), "--python", python], lock)


def _run(command: list[str], lock: IO[str]) -> bool:
    # The child keeps the lock too: should we be killed, the next call waits for it to finish
    # instead of building in the same place at the same time.
    return subprocess.run(command, pass_fds=(lock.fileno(),), check=False).returncode == 0


def _must_run(command: list[str], lock: IO[str]) -> None:
    if not _run(command, lock):
        raise CannotInstall(f"this failed, see above: {' '.join(command)}")


def _turn_link(environment: Path) -> None:
    fresh = WORKSHOP / "venv.link"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(environment.relative_to(ROOT))
    fresh.replace(LINK)


def _remove_old_ones(current: Path) -> None:
    """Keep the one before as well: a program that was started from it may be running still."""
    current.touch()
    by_age = sorted(ENVIRONMENTS.iterdir(), key=lambda path: path.stat().st_mtime)
    for environment in by_age[:-KEPT_ENVIRONMENTS]:
        shutil.rmtree(environment, ignore_errors=True)


if __name__ == "__main__":
    try:
        ensure()
    except CannotInstall as refusal:
        sys.exit(f"./dev: {refusal}")
    except PermissionError as refusal:
        sys.exit(f"./dev: {refusal}; was it made by another user? Work as that one, or remove it.")
    except KeyboardInterrupt:
        sys.exit(130)
