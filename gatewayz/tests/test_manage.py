"""`manage.py` works on an empty database, and ends quietly when its reader has gone."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command

from gatewayz.dev.checkout import ROOT


@pytest.mark.slow
def test_it_complains_of_nothing_when_nobody_reads_on() -> None:
    ours, theirs = os.pipe()
    os.close(ours)

    outcome = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=ROOT,
        env=os.environ | {"DEBUG": "1"},
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(theirs)

    assert (outcome.returncode, outcome.stderr) == (1, "")


def test_system_checks_do_not_query_the_database() -> None:
    """`migrate` runs them on a database that has no tables yet; pytest allows no query here."""
    call_command("check")
