"""`./dev test` runs steps side by side, and loses neither what they print nor that they failed."""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from gatewayz.dev import checks
from gatewayz.dev.checkout import ROOT, Refusal


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_what_a_step_beside_prints_comes_after_the_block(capfd: pytest.CaptureFixture[str]) -> None:
    report = checks.Report()
    with report.beside("mypy", python("print('no issues')"), {}):
        time.sleep(0.2)
        sys.stdout.write("in the block\n")
        sys.stdout.flush()

    lines = capfd.readouterr().out.split("\n")
    assert lines[:4] == ["in the block", "", "=== mypy", "no issues"]
    assert report.conclude() == 0


def test_a_step_beside_that_fails_fails_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    report = checks.Report()
    with report.beside("mypy", python("raise SystemExit(1)"), {}):
        pass

    assert report.conclude() == 1
    assert "failed: mypy" in capfd.readouterr().err


@pytest.mark.slow
def test_when_the_run_is_interrupted_a_step_beside_is_stopped(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    wait = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with suppress(KeyboardInterrupt), checks.Report().beside("browser", python(wait), {}):
        while not note.exists() or not note.read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["-k", "webhook"], ["-k", "webhook"]),
        (["--fast", "accounts"], [*checks.QUICK, "accounts"]),
    ],
)
def test_with_arguments_only_pytest_runs(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], given: list[str]
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], _environment: Mapping[str, str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(checks, "run_in_foreground", run)
    monkeypatch.setattr(os, "environ", dict(os.environ))

    assert checks.test(arguments) == 0

    assert commands == [[sys.executable, "-m", "pytest", *given]]


def test_the_part_of_the_database_runs_on_another_postgresql(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Mapping[str, str]] = []
    files: list[str] = []

    def run(command: list[str], environment: Mapping[str, str]) -> int:
        seen.append(environment)
        files.extend(part for part in command if part.endswith(".py"))
        return 0

    monkeypatch.setattr(checks, "run_in_foreground", run)
    monkeypatch.setattr(os, "environ", {**os.environ, "DATABASE_URL": "postgres://elsewhere/x"})
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.99'\n")
    program.chmod(0o755)

    assert checks.test(["--postgres", str(tmp_path)]) == 0

    assert len(files) > 50
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert seen[0]["PG_BINDIR"] == str(tmp_path)
    assert "DATABASE_URL" not in seen[0]
    assert "on postgres (PostgreSQL) 15.99" in capsys.readouterr().out


def test_a_folder_without_postgresql_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="has none"):
        checks.test(["--postgres", str(tmp_path)])
