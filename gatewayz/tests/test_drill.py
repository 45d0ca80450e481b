"""What `./dev drill` starts ends with it; the exercises are tests themselves."""

import signal
import subprocess
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from gatewayz.dev.drill.supervisor import Service, Supervisor


def test_what_is_slow_to_end_does_not_outlive_a_drill_that_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "deaf.log"
    command = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"]
    supervisor = Supervisor()
    supervisor.start(Service("deaf", command, log, {}))
    process = supervisor.services["deaf"].process
    assert process
    while not log.read_text():
        time.sleep(0.01)
    monkeypatch.setattr(process, "wait", Mock(side_effect=[KeyboardInterrupt, None]))

    with pytest.raises(KeyboardInterrupt):
        supervisor.stop("deaf")

    assert subprocess.Popen.wait(process, 10) == -signal.SIGKILL
    supervisor.end()
