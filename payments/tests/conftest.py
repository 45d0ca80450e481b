"""Lends out a PostgreSQL that may be stopped, and adds up what the tests counted."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from payments.reports.invariants import breaches
from payments.tests.own_postgres import OwnPostgres, connected_to, own_postgres


@pytest.fixture(scope="session")
def postgres(django_db_blocker: DjangoDbBlocker) -> Iterator[OwnPostgres]:
    """A PostgreSQL of the tests' own; whoever stops it starts it again."""
    with django_db_blocker.unblock(), own_postgres() as postgres:
        yield postgres


@pytest.fixture
def there(postgres: OwnPostgres, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let Django's connections lead there; what a test leaves there stays, so names are new."""
    with django_db_blocker.unblock(), connected_to(postgres):
        yield
        assert breaches() == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each property that tests recorded as a dict of figures, and the controls.

    Like `crashes: kills 182, wrong 0` and `controls: guards 160, caught 160`.
    """
    totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    for report in reports:
        if "negative_control" in report.keywords:
            totals["controls"].update(guards=1, caught=int(report.passed))
        for name, figures in report.user_properties:
            if isinstance(figures, dict):
                totals[name].update(figures)
    for name, counted in totals.items():
        line = ", ".join(f"{what} {figure}" for what, figure in counted.items())
        terminalreporter.write_line(f"{name}: {line}")
