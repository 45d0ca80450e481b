"""Knows where this checkout keeps what the commands work on, and which database they use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ

from gatewayz.dev import embedded_postgres

ROOT = Path(__file__).resolve().parents[2]
WORKSHOP = ROOT / ".dev"
DEVELOPMENT_DATA_DIRECTORY = WORKSHOP / "postgres"
TEST_DATA_DIRECTORY = WORKSHOP / "test-postgres"
DATABASE_NAME = "gatewayz"


class Refusal(Exception):
    """A command cannot do its work, for the reason that the message tells."""


def read_dotenv() -> None:
    """Put what `.env` says into the environment, where the environment is silent."""
    environ.Env.read_env(ROOT / ".env")


@contextmanager
def development_database() -> Iterator[str]:
    """Set `DEBUG` and `DATABASE_URL` for the children, and return the latter.

    Where `DATABASE_URL` is set that database is used; otherwise the embedded one runs meanwhile.
    """
    read_dotenv()
    os.environ.setdefault("DEBUG", "true")
    if os.environ.get("DATABASE_URL"):
        yield os.environ["DATABASE_URL"]
        return
    with embedded_postgres.running(DEVELOPMENT_DATA_DIRECTORY) as server:
        server.create_database(DATABASE_NAME)
        os.environ["DATABASE_URL"] = server.url(DATABASE_NAME)
        yield os.environ["DATABASE_URL"]


@contextmanager
def throwaway_database() -> Iterator[str]:
    """Return the address of an empty database for checks; `DATABASE_URL` where that is set."""
    if os.environ.get("DATABASE_URL"):
        yield os.environ["DATABASE_URL"]
        return
    with embedded_postgres.running(TEST_DATA_DIRECTORY, durable=False) as server:
        server.create_database(DATABASE_NAME)
        yield server.url(DATABASE_NAME)
