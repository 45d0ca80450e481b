"""Runs the mutation tester on a copy of the checkout, with a database of its own."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile

from gatewayz.dev import embedded_postgres
from gatewayz.dev.checkout import ROOT, TEST_DATA_DIRECTORY, WORKSHOP

NOT_COPIED = (".*", "__pycache__", "staticfiles")


def mutate(arguments: list[str]) -> int:
    """Change the modules of the money in many small ways, and see whether a test fails.

    The arguments are modules, as paths; without them all modules of the money are taken. Return 1
    unless just those changes stay unnoticed that docs/guarantees.md accepts.
    """
    WORKSHOP.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=WORKSHOP, prefix="mutation-") as copy,
        embedded_postgres.running(TEST_DATA_DIRECTORY, durable=False) as server,
    ):
        # A run that is interrupted leaves no changed module in the checkout.
        shutil.copytree(ROOT, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        database_url = server.url(f"mutation_{secrets.token_hex(4)}")
        environment = {**os.environ, "DEBUG": "true", "DATABASE_URL": database_url}
        # Else every mutant would compile all modules again.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "gatewayz.dev.mutants", *arguments]
        return subprocess.run(command, cwd=copy, env=environment, check=False).returncode
