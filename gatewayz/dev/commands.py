"""Runs other programs for a developer: Django's commands, a shell, psql, uv for the locks."""

import os
import shutil
import sys

from gatewayz.dev.checkout import (
    APPLICATION_ROLE,
    Refusal,
    development_database,
    join_run,
    read_dotenv,
)
from gatewayz.dev.children import run_in_foreground
from gatewayz.dev.postgres_binaries import ServerAccount, find_binaries
from gatewayz.dev.virtual_environment import INSTALLER, STAMP, UV

OWNERS_COMMANDS = (["migrate"], ["database_roles"], ["flush"])
LOCKS = {"requirements.in": "requirements.txt", "requirements-dev.in": "requirements-dev.txt"}


def manage(arguments: list[str]) -> int:
    """Run it as the program's role, or as the owner of the tables where it changes them."""
    read_dotenv()
    join_run()
    with development_database() as database:
        command = [sys.executable, "manage.py"]
        if arguments[:1] not in OWNERS_COMMANDS:
            return run_in_foreground([*command, *arguments])
        owner = os.environ | {"DATABASE_URL": database.owner_url}
        code = run_in_foreground([*command, *arguments], owner)
        if code == 0 and database.has_two_roles and arguments == ["migrate"]:
            code = run_in_foreground([*command, "database_roles", APPLICATION_ROLE], owner)
        return code


def shell(arguments: list[str]) -> int:
    with development_database():
        command = [sys.executable, "manage.py", "shell", *arguments]
        return run_in_foreground(command, answers_ctrl_c=True)


def psql(arguments: list[str]) -> int:
    with development_database() as database:
        bundled = find_binaries(ServerAccount.choose()) / "psql"
        client = str(bundled) if bundled.exists() else shutil.which("psql")
        if client is None:
            raise Refusal(
                f"there is no psql here; while the server runs it is at {database.owner_url}"
            )
        return run_in_foreground([client, database.owner_url, *arguments], answers_ctrl_c=True)


def lock(arguments: list[str]) -> int:
    """Compile both; arguments go to uv, for instance `--upgrade-package django`."""
    if not (INSTALLER / STAMP).exists():
        raise Refusal(f"only {UV} compiles the locks, and it cannot be had here.")
    uv = [str(INSTALLER / "bin" / "python"), "-m", "uv", "pip", "compile"]
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    for source, target in LOCKS.items():
        command = [*uv, *options, *arguments, source, "-o", target]
        if code := run_in_foreground(command):
            return code
    return 0


def bench(arguments: list[str]) -> int:
    """Measure in a process of its own, whose settings are those of production."""
    return run_in_foreground([sys.executable, "-m", "gatewayz.benchmarks", *arguments])
