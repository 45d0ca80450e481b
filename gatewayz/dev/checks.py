"""Checks the code, its migrations and the production settings, and runs the tests."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryFile

from gatewayz.dev.checkout import ROOT, WORKSHOP, Refusal, throwaway_database
from gatewayz.dev.children import run_in_foreground

# chromium-headless-shell draws no window, and needs half the CPU time of chromium.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
LONG_FLAG, FAST_FLAG, POSTGRES_FLAG = "--long", "--fast", "--postgres"
BROWSER = ("-o", "python_files=test_*_in_browser.py")
_WITHOUT_BROWSER = "--ignore-glob=*_in_browser.py"
REST = (_WITHOUT_BROWSER, "-m", "not ci")
QUICK = (_WITHOUT_BROWSER, "-m", "not ci and not slow and not negative_control")

# What depends on PostgreSQL's version: statements, guards, locks, roles, migrations, dumps.
DATABASE_PART = {
    "accounts": "adjustment_guards adjustment_limits adjustments adjustments_at_once at_once"
    " constraints database_roles ledger ledger_guards ledger_seals limits migrate"
    " negative_controls prepared registration search search_path",
    "referrals": "adding_terms at_once attribution bonuses budget budget_forecast claims codes"
    " eligibility friends invite_views offers reinstated reports review review_at_once"
    " second_person_for_terms",
    "payments": "at_once claims_at_once clawbacks commands crash database_guards erasure"
    " inbox invariants leaderboard ledger_snapshot month negative_controls"
    " report_database restore retention settlement tasks terms_simulation totals two_clocks",
    "gatewayz": "connection migrations",
}


def lint(arguments: list[str]) -> int:
    """Run every check; return 1 if any fails."""
    report = Report()
    with throwaway_database() as database:
        _run_checks(report, database.url)
    return report.conclude()


def test(arguments: list[str]) -> int:
    """Run every check and every test, or pytest alone with the arguments.

    With `--fast` the tests that are marked slow are left out; with `--long` those that generate
    their own cases go further. `--postgres FOLDER` runs those of the database alone, on the
    PostgreSQL whose programs are there.
    """
    _keep_bytecode()
    if arguments[:1] == [POSTGRES_FLAG]:
        return _test_database_part(Path(*arguments[1:]))
    is_fast = FAST_FLAG in arguments
    if LONG_FLAG in arguments:
        os.environ["LONG"] = "1"
    arguments = [argument for argument in arguments if argument not in {LONG_FLAG, FAST_FLAG}]
    if arguments:
        command = [*_python("pytest"), *(QUICK if is_fast else ()), *arguments]
        return run_in_foreground(command, {**os.environ, **_find_browser()})
    report = Report()
    browser_tests = nullcontext() if is_fast else _browser_tests_beside(report)
    # Held for all of them, so that the server is not started again for each.
    with throwaway_database() as database, browser_tests:
        _run_checks(report, database.url)
        # Many slow tests wait for a server, a lock or the end of a process. One additional
        # process keeps all cores busy meanwhile.
        share = [*QUICK, *_in_parallel()] if is_fast else [*REST, *_in_parallel(additional=1)]
        report.run("pytest", [*_python("pytest"), *share])
    return report.conclude()


def _test_database_part(binaries: Path) -> int:
    if not (binaries / "postgres").exists():
        raise Refusal(f"{POSTGRES_FLAG} takes the folder of a `postgres`; {binaries} has none.")
    version = subprocess.check_output([binaries / "postgres", "--version"], text=True).strip()
    print(f"\n=== pytest, what depends on the database, on {version}", flush=True)
    files = [
        f"{app}/tests/test_{name}.py"
        for app, names in DATABASE_PART.items()
        for name in names.split()
    ]
    environment = {**os.environ, "PG_BINDIR": str(binaries)}
    environment.pop("DATABASE_URL", None)
    return run_in_foreground([*_python("pytest"), *_in_parallel(), *files], environment)


def _in_parallel(additional: int = 0) -> list[str]:
    """Use every core; a process that has nothing left to do takes tests from another."""
    processes = min(8, (os.cpu_count() or 1) + additional)
    return ["-n", str(processes), "--dist", "worksteal"]


def format_code(arguments: list[str]) -> int:
    """Format the code and apply the safe fixes."""
    report = Report()
    report.run("ruff check --fix", [*_python("ruff"), "check", "--fix", "."])
    report.run("ruff format", [*_python("ruff"), "format", "."])
    return report.conclude()


class Report:
    """Runs one step after the other, come what may, and remembers which of them failed."""

    def __init__(self) -> None:
        self._failed: list[str] = []

    def run(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        print(f"\n=== {name}", flush=True)
        if run_in_foreground(command, {**os.environ, **(environment or {})}) != 0:
            self.note_failure(name)

    @contextmanager
    def beside(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[None]:
        """Run a step while the block runs, and print afterwards what it wrote."""
        with TemporaryFile() as output:
            step = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield
                code = step.wait()
            finally:
                step.terminate()  # Does nothing once it has ended.
                step.wait()
            output.seek(0)
            print(f"\n=== {name}\n{output.read().decode(errors='replace')}", flush=True)
        if code != 0:
            self.note_failure(name)

    def note_failure(self, name: str) -> None:
        self._failed.append(name)

    def conclude(self) -> int:
        """Return the exit code; silent after success, so that pytest has the last word."""
        if self._failed:
            print(f"\n./dev: failed: {', '.join(self._failed)}", file=sys.stderr, flush=True)
        return 1 if self._failed else 0


def _keep_bytecode() -> None:
    """Where Python shall leave none beside the sources, keep it elsewhere.

    Else each of pytest's processes compiles every test again, which takes it five seconds.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(WORKSHOP / "bytecode")


def _run_checks(report: Report, database_url: str) -> None:
    development = {"DEBUG": "true", "DATABASE_URL": database_url}
    locks = development | {"DJANGO_SETTINGS_MODULE": "gatewayz.settings"}
    production = production_environment(database_url)
    deploy = ["check", "--deploy", "--fail-level", "WARNING"]
    migrations = ["makemigrations", "--check", "--dry-run"]
    with report.beside("mypy", [*_python("mypy"), "."], development):
        report.run("ruff check", [*_python("ruff"), "check", "."])
        report.run("ruff format --check", [*_python("ruff"), "format", "--check", "."])
        report.run("makemigrations --check", _manage(*migrations), development)
        report.run("locks of migrations", _python("gatewayz.dev.migration_locks"), locks)
        report.run("check --deploy, on the production settings", _manage(*deploy), production)


def production_environment(database_url: str) -> dict[str, str]:
    """Return what `.env.example` says, with what it leaves to be filled in filled in."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    filled = {
        name: re.sub(r"replace[-_]me.*", secrets.token_hex(30), value)
        for name, value in example.items()
    }
    return filled | {"DATABASE_URL": database_url}


@contextmanager
def _browser_tests_beside(report: Report) -> Iterator[None]:
    """Run them in a call of their own: Playwright's event loop would disturb the other tests."""
    browser = _find_browser()
    if browser:
        command = [*_python("pytest"), *BROWSER]
        with report.beside("pytest, in a browser", command, browser):
            yield
        return
    yield
    print(f"\nBrowser tests SKIPPED: none of {', '.join(CHROMIUM_NAMES)} is on PATH.", flush=True)
    if os.environ.get("REQUIRE_BROWSER") == "1":
        report.note_failure("browser tests (REQUIRE_BROWSER=1)")


def _find_browser() -> dict[str, str]:
    """Return the variable that names a Chromium to the tests, if there is one."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return {"CHROMIUM": found} if found else {}


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]
