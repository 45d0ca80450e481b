"""`manage.py` ends quietly when whoever read its output has gone, as `head` has."""

import os
import subprocess
import sys

import pytest

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
