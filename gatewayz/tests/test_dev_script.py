"""The `./dev` script, run in a small checkout of its own with a stand-in for uv and pip."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gatewayz.dev import serving, virtual_environment, walkthrough
from gatewayz.dev.__main__ import HANDLERS
from gatewayz.dev.checkout import ROOT, Refusal
from gatewayz.dev.children import Children
from gatewayz.dev.verbs import VERBS
from gatewayz.dev.web_server import granian

pytestmark = pytest.mark.slow

PRINT_WHERE_AND_WHAT = """
import sys

print(sys.prefix, *sys.argv[1:], flush=True)
sys.exit(7 if "fail" in sys.argv else 0)
"""


class Checkout:
    """A checkout with nothing in it but `./dev`, whose installer notes what it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "requirements-dev.txt"
        self.calls = root / "calls"
        for name in ("__init__.py", "verbs.py", "virtual_environment.py"):
            copy = root / "gatewayz" / "dev" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "gatewayz" / "dev" / name, copy)
        (root / "gatewayz" / "dev" / "__main__.py").write_text(PRINT_WHERE_AND_WHAT)
        shutil.copy(ROOT / "dev", root / "dev")
        self.lock.write_text("# nothing\n")
        self.calls.touch()
        self.let_installer("sleep 0.3")

    def let_installer(self, do: str) -> None:
        installer = self.root / ".dev" / "installer"
        program = installer / "bin" / "python"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >>"{self.calls}"\n{do}\n')
        program.chmod(0o755)
        made_of = f"{virtual_environment.UV} {sys.version} {self.root}"
        (installer / virtual_environment.STAMP).write_text(made_of)

    def start(self, *arguments: str, python: str = sys.executable) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "dev", *arguments],
            env={**os.environ, "PYTHON": python},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, python: str = sys.executable) -> tuple[int, str, str]:
        with self.start(*arguments, python=python) as process:
            output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    @property
    def installations(self) -> int:
        return len(self.calls.read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path.resolve() / "a checkout"
    root.mkdir()
    return Checkout(root)


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_help_names_every_verb_and_installs_nothing(
    checkout: Checkout, arguments: list[str]
) -> None:
    code, output, _errors = checkout.call(*arguments)

    assert code == 0
    assert [line.split()[0] for line in output.splitlines()[2:]] == list(VERBS)
    assert not (checkout.root / ".venv").exists()


def test_an_unknown_verb_is_named_and_refused(checkout: Checkout) -> None:
    code, output, errors = checkout.call("tset")

    assert (code, output) == (2, "")
    assert "no verb 'tset'" in errors


def test_every_verb_has_a_handler() -> None:
    assert {*HANDLERS, "help"} == {*VERBS}


def test_it_runs_the_verb_in_an_environment_that_is_made_anew_when_the_lock_changed(
    checkout: Checkout,
) -> None:
    code, output, _errors = checkout.call("manage", "fail", "two words")
    checkout.call("lint")
    once = checkout.installations
    for number in range(3):
        checkout.lock.write_text(f"# {number}\n")
        checkout.call("lint")

    assert code == 7
    assert output == f"{checkout.root}/.venv manage fail two words\n"
    assert (once, checkout.installations) == (1, 4)
    # The one before is kept, for what was started from it and runs still.
    assert len(list((checkout.root / ".dev" / "environments").iterdir())) == 2


def test_it_installs_once_for_two_calls_at_once(checkout: Checkout) -> None:
    with checkout.start("lint") as first, checkout.start("lint") as second:
        codes = [first.wait(60), second.wait(60)]

    assert codes == [0, 0]
    assert checkout.installations == 1


def test_it_begins_anew_after_being_killed_while_installing(checkout: Checkout) -> None:
    checkout.let_installer("kill -9 $PPID")
    killed, _output, _errors = checkout.call("lint")
    checkout.let_installer("true")
    code, _output, _errors = checkout.call("lint")

    assert killed != 0
    assert code == 0
    assert checkout.installations == 2


def test_a_failed_installation_leaves_the_environment_that_was_there(checkout: Checkout) -> None:
    checkout.call("lint")
    before = (checkout.root / ".venv").resolve()
    checkout.lock.write_text("# changed\n")
    checkout.let_installer("exit 1")
    code, _output, errors = checkout.call("lint")

    assert code == 1
    assert "this failed" in errors
    assert (checkout.root / ".venv").resolve() == before


def test_pip_installs_when_uv_does_not(checkout: Checkout) -> None:
    checkout.let_installer('[ "$2" != uv ]')
    code, _output, _errors = checkout.call("lint")

    assert code == 0
    last = checkout.calls.read_text().splitlines()[-1]
    assert last.startswith("-m pip ")
    assert "--require-hashes" in last


def test_it_leaves_a_venv_alone_that_somebody_else_made(checkout: Checkout) -> None:
    (checkout.root / ".venv").mkdir()
    code, _output, errors = checkout.call("lint")

    assert code == 1
    assert "was not made by ./dev" in errors


def test_it_says_so_when_the_chosen_python_is_none(checkout: Checkout) -> None:
    code, _output, errors = checkout.call("lint", python="/bin/false")

    assert code == 1
    assert "PYTHON=/bin/false is not a Python 3.11" in errors


def test_it_tells_how_to_get_the_missing_venv_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    for name in ("WORKSHOP", "LINK"):
        monkeypatch.setattr(virtual_environment, name, tmp_path / name)
    monkeypatch.setattr(virtual_environment, "ENVIRONMENTS", tmp_path / "WORKSHOP" / "some")

    with pytest.raises(virtual_environment.CannotInstall, match="apt-get install python3-venv"):
        virtual_environment.ensure()


def test_run_names_the_port_that_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "PORT_SECONDS", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))

        with pytest.raises(Refusal, match=f"port {port} is in use; .*PORT="):
            serving.run([])


def test_when_one_server_ends_by_itself_the_others_are_stopped(tmp_path: Path) -> None:
    lasting = tmp_path / "pid"
    with Children() as children:
        children.start("the first", ["sh", "-c", f"echo $$ >'{lasting}'; exec sleep 60"])
        children.start("the second", ["sh", "-c", f"until test -s '{lasting}'; do :; done"])
        with pytest.raises(Refusal, match="the second ended by itself"):
            children.wait()

    with pytest.raises(ProcessLookupError):
        os.kill(int(lasting.read_text()), 0)


def let_parent_end(application: str, **environment: str) -> int:
    """Return the exit code of a server whose parent ended while its first worker started."""
    server = granian(application, port=0, workers=1)
    server += ["--log-level", "info", "--workers-kill-timeout", "60"]
    with subprocess.Popen(
        [sys.executable, "-m", "gatewayz.dev.exit_with_parent", *server],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert any("Spawning worker" in line for line in process.stdout)
        process.stdin.close()
        try:
            return process.wait(20)
        finally:
            process.kill()  # else a server that goes on would be waited for without end


def test_a_server_ends_with_the_process_that_started_it() -> None:
    assert let_parent_end("wsgiref.simple_server:demo_app") == 0


def test_a_worker_that_cannot_handle_signals_yet_keeps_no_server_alive(tmp_path: Path) -> None:
    (tmp_path / "slow_to_start.py").write_text("import time\n\ntime.sleep(60)\n")

    assert let_parent_end("slow_to_start:application", PYTHONPATH=f"{tmp_path}") == 0


def test_every_line_of_the_walkthrough_is_whole_shell() -> None:
    steps = walkthrough.steps("2")
    lines = [line for step in steps for line in walkthrough.shell_lines(step, "http://a:1")]

    for line in lines:
        subprocess.run(["sh", "-n", "-c", line], check=True)
        assert not line.startswith("#") or not set(line) & set("'\"`$*?!()[]")


def test_the_walkthrough_puts_what_it_kept_into_the_next_body() -> None:
    third = walkthrough.steps("")[2]
    line = walkthrough.shell_lines(third, "http://a:1")[1].partition("curl")[2].partition(");")[0]
    script = f"ALICE_CODE=ABC12345; printf '%s ' {line}"
    shown = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)

    assert '"username":"bob"' in shown.stdout
    assert '"referral_code":"ABC12345"' in shown.stdout
