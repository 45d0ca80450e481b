"""Where this checkout keeps its files, which database it uses, and where it is served."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewayz import env_file
from gatewayz.dev import embedded_postgres

ROOT = Path(__file__).resolve().parents[2]
WORKSHOP = ROOT / ".dev"
DEVELOPMENT_DATA_DIRECTORY = WORKSHOP / "postgres"
TEST_DATA_DIRECTORY = WORKSHOP / "test-postgres"
DATABASE_NAME = "gatewayz"
# What the program runs as in the embedded PostgreSQL; the tables belong to `postgres` there.
APPLICATION_ROLE = "gatewayz"
# A `./dev run` holds a lock on it while it serves; without the lock the content is out of date.
RUN_FILE = WORKSHOP / "run.json"
SHARED_SETTINGS = ("PORT", "STRIPE_API_BASE", "STRIPE_SANDBOX_WEBHOOK_URL")


class Refusal(Exception):
    """A command cannot do its work; the message says why."""


def read_dotenv() -> None:
    """Set the variables of `.env` that the environment does not set."""
    env_file.read(ROOT / ".env")


@dataclass(frozen=True)
class Database:
    """The addresses of a database, for the program and for the owner of its tables.

    They are one where `DATABASE_URL` is set: of another PostgreSQL we know no second role.
    """

    url: str
    owner_url: str

    @property
    def has_two_roles(self) -> bool:
        return self.url != self.owner_url


@contextmanager
def development_database() -> Iterator[Database]:
    """Set `DEBUG` and `DATABASE_URL` for the children, and return the database.

    Where `DATABASE_URL` is set that database is used; otherwise the embedded one runs meanwhile.
    """
    read_dotenv()
    os.environ.setdefault("DEBUG", "true")
    with _database(DEVELOPMENT_DATA_DIRECTORY, durable=True) as database:
        os.environ["DATABASE_URL"] = database.url
        yield database


def throwaway_database() -> AbstractContextManager[Database]:
    """Return an empty database for checks; `DATABASE_URL` where that is set."""
    return _database(TEST_DATA_DIRECTORY, durable=False)


@contextmanager
def _database(data_directory: Path, *, durable: bool) -> Iterator[Database]:
    if url := os.environ.get("DATABASE_URL"):
        yield Database(url, url)
        return
    with embedded_postgres.running(data_directory, durable=durable) as server:
        server.create_database(DATABASE_NAME)
        server.create_role(APPLICATION_ROLE)
        yield Database(server.url(DATABASE_NAME, role=APPLICATION_ROLE), server.url(DATABASE_NAME))


@contextmanager
def run_announced() -> Iterator[None]:
    """Let `./dev manage` know where this run serves, unless another run does so already."""
    RUN_FILE.parent.mkdir(exist_ok=True)
    with RUN_FILE.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield
            return
        file.truncate(0)
        json.dump({name: os.environ[name] for name in SHARED_SETTINGS if name in os.environ}, file)
        file.flush()
        yield


def join_run() -> None:
    """Set the environment to the settings of a run that serves, unless PORT is set."""
    if "PORT" in os.environ or not RUN_FILE.exists():
        return
    with RUN_FILE.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            for name, value in json.load(file).items():
                os.environ.setdefault(name, value)
