"""Gives every pytest run a PostgreSQL and a database name of its own.

It is loaded by `addopts = -p …` in pytest.ini, because pytest-django reads the settings before any
conftest.py is seen.
"""

import os
import secrets
import signal
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from gatewayz.dev import embedded_postgres
from gatewayz.dev.checkout import TEST_DATA_DIRECTORY


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set `DEBUG` and `DATABASE_URL` where they are absent, ahead of pytest-django's own hook.

    The workers of xdist inherit both, and so start nothing.
    """
    os.environ.setdefault("DEBUG", "true")
    if "DATABASE_URL" not in os.environ:
        cleanup = ExitStack()
        early_config.add_cleanup(cleanup.close)
        # SIGTERM ends pytest as Ctrl-C does, with its cleanups: they stop the server.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        server = cleanup.enter_context(
            embedded_postgres.running(TEST_DATA_DIRECTORY, durable=False)
        )
        # pytest-django puts `test_` before the name: two runs at once never share a database.
        os.environ["DATABASE_URL"] = server.url(f"gatewayz_{secrets.token_hex(4)}")
    return (yield)
