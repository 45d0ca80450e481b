"""Runs Django's commands, a shell and psql on the development database."""

import shutil
import sys

from gatewayz.dev import running
from gatewayz.dev.checkout import Refusal, development_database, read_dotenv
from gatewayz.dev.children import run_in_foreground
from gatewayz.dev.postgres_binaries import ServerAccount, find_binaries


def manage(arguments: list[str]) -> int:
    read_dotenv()
    running.join()
    with development_database():
        return run_in_foreground([sys.executable, "manage.py", *arguments])


def shell(arguments: list[str]) -> int:
    with development_database():
        command = [sys.executable, "manage.py", "shell", *arguments]
        return run_in_foreground(command, answers_ctrl_c=True)


def psql(arguments: list[str]) -> int:
    with development_database() as database_url:
        bundled = find_binaries(ServerAccount.choose()) / "psql"
        client = str(bundled) if bundled.exists() else shutil.which("psql")
        if client is None:
            raise Refusal(f"there is no psql here; while the server runs it is at {database_url}")
        return run_in_foreground([client, database_url, *arguments], answers_ctrl_c=True)
