"""Fixtures for all tests: Alice, whom Bob was invited by, and the check after every one of them."""

import gc
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.configuration import set_hypothesis_home_dir
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from accounts.tests.factories import Person, colleague, register
from accounts.tests.roles import as_owner, become_application, create_application_role
from gatewayz.api import database_errors
from gatewayz.dev.checkout import WORKSHOP
from gatewayz.tests import emptying
from payments.reports.invariants import INVARIANTS, breaches
from payments.sandbox.server import serving

# `./dev test` is the same every time; `./dev test --long` goes further, elsewhere each time, and
# remembers what failed. Deadlines would only measure the machine.
set_hypothesis_home_dir(WORKSHOP / "hypothesis")
hypothesis_settings.register_profile(
    "short",
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
hypothesis_settings.register_profile(
    "long", hypothesis_settings.get_profile("short"), max_examples=400, derandomize=False
)
hypothesis_settings.load_profile("long" if os.environ.get("LONG") == "1" else "short")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "negative_control: takes a guard away and sees money go wrong; not checked after"
    )
    # A test's threads come and go, and each would leave its connection behind.
    django_settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    # Of the servers and workers that tests start; a developer's mail page is not theirs to fill.
    os.environ.setdefault("EMAIL_URL", "console:")
    # A password is hashed slowly for the sake of a database that is stolen; no test steals one.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Before it asks Stripe once more the SDK waits for half a second, which shows nothing.
    stripe.HTTPClient.INITIAL_DELAY = 0.01
    emptying.install()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones: at the end one of forty seconds would leave the other core idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the modules and the tests, which live until the end."""
    gc.collect()
    gc.freeze()


# A function, because PostgreSQL plans what is within once for each connection: to plan it takes ten
# times as long as to run it on the few rows of a test.
_BROKEN = " UNION ALL ".join(f"SELECT 1 FROM ({rows}) broken" for rows in INVARIANTS.values())
LEDGER_IS_BROKEN = f"""
CREATE SCHEMA IF NOT EXISTS testing;
GRANT USAGE ON SCHEMA testing TO PUBLIC;
CREATE OR REPLACE FUNCTION testing.ledger_is_broken() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ledger_entries) AND EXISTS ({_BROKEN});
END $$
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Run the tests as the application's role, in the database that its owner has created.

    Let tests truncate tables; what forbids it is switched on by the tests of that.
    """
    # Without a test that uses it there is no test database, and this is another one.
    if not str(connection.settings_dict["NAME"]).startswith("test_"):
        yield
        return
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            for table in ("ledger_entries", "ledger_seals", "audit_entries", "adjustments"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_not_truncated")
            cursor.execute(LEDGER_IS_BROKEN)
        create_application_role()
        with become_application():
            yield


@pytest.fixture
def owner(db: None) -> Iterator[None]:
    """Run the test as the owner of the tables."""
    with as_owner():
        yield


def touches_database(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("django_db") is not None or any(
        name in request.fixturenames for name in ("db", "transactional_db", "live_server")
    )


@pytest.fixture(autouse=True)
def no_full_disk() -> None:
    """Forget the full disk of the test before, on account of which this process is not ready."""
    database_errors.full_disk.until = 0


@pytest.fixture(autouse=True)
def money_is_right(request: pytest.FixtureRequest) -> Iterator[None]:
    """End with a ledger in which every invariant holds."""
    if not touches_database(request):
        yield
        return
    request.getfixturevalue("db")
    yield
    if request.node.get_closest_marker("negative_control"):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT testing.ledger_is_broken()")
        [is_broken] = cursor.fetchone()
    if is_broken:
        pytest.fail("\n".join(map(str, breaches())))


@pytest.fixture
def alice(db: None) -> Person:
    return register("alice")


@pytest.fixture
def bob(alice: Person) -> Person:
    """Invited by Alice."""
    return register("bob", code=alice.code)


@pytest.fixture
def charlie(db: None) -> Person:
    """Invited by nobody."""
    return register("charlie")


@pytest.fixture
def support(db: None) -> Client:
    """The browser of Sam, who is of Support."""
    return colleague("Support")


@pytest.fixture
def finance(db: None) -> Client:
    """The browser of Fiona, who is of Finance."""
    return colleague("Finance")


@pytest.fixture(scope="session")
def sandbox_address(django_db_setup: None) -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def sandbox(sandbox_address: str, settings: Any, db: None) -> str:
    """A Stripe of our own, over HTTP; its events are sent when a test says so."""
    settings.STRIPE_API_BASE = sandbox_address
    return sandbox_address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium, whose event loop runs in this thread until the last test has ended."""
    switches = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    if "CHROMIUM" not in os.environ:
        pytest.skip("CHROMIUM names no browser; ./dev test looks for one")
    # Django refuses queries beside an event loop, for fear of blocking it; here nothing else waits.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=switches)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """Share one cache between all windows, so that a test need not load forty files again."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def window(profile: BrowserContext, db: None) -> Iterator[Page]:
    """A page without the cookies, permissions and local storage of earlier tests."""
    page = profile.new_page()
    yield page
    page.evaluate("self.origin === 'null' || localStorage.clear()")
    page.close()
    profile.clear_cookies()
    profile.clear_permissions()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep the log down where thousands of requests would bury the one that matters."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
