"""Behind a proxy that serves it under a path, the program's links have that path."""

import re
from collections.abc import Iterator

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured

from gatewayz import environment
from payments.tests.real_server import Server, serving

pytestmark = pytest.mark.slow
PREFIX = "/referrals"


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: object) -> Iterator[Server]:
    """Serve behind a proxy that takes the prefix off; the tests play the proxy."""
    with django_db_blocker.unblock(), serving(FORCE_SCRIPT_NAME=PREFIX) as server:  # type: ignore[attr-defined]
        yield server


def ask(server: Server, path: str) -> tuple[int, str]:
    assert path.startswith(f"{PREFIX}/"), path
    answer = server.ask("GET", path.removeprefix(PREFIX))
    return answer.status_code, answer.text


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/api/docs", "/login", "/payment/cancel"])
def test_all_that_a_page_links_to_is_there(
    transactional_db: None, server: Server, path: str
) -> None:
    _, page = ask(server, PREFIX + path)
    links = set(re.findall(r'(?:href|src)="(/[^"]*)"', page))

    assert links
    assert {link: ask(server, link)[0] for link in links if "/static/" in link} == {
        link: 200 for link in links if "/static/" in link
    }
    assert [link for link in links if not link.startswith(PREFIX)] == []


def test_the_schema_has_the_prefix(server: Server) -> None:
    answer = server.ask("GET", "/api/schema").json()

    assert answer["servers"] == [{"url": PREFIX}]
    assert "/user/balance" in answer["paths"]


def test_an_error_of_the_api_is_json(server: Server) -> None:
    answer = server.ask("GET", "/user/nowhere", Accept="text/html")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_page_that_needs_a_log_in_leads_to_it(server: Server) -> None:
    answer = requests.get(f"{server.address}/admin/", allow_redirects=False, timeout=30)

    assert answer.headers["Location"].startswith(f"{PREFIX}/admin/login/")


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "GRANIAN_URL_PATH_PREFIX"])
def test_a_prefix_of_the_server_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, PREFIX)

    with pytest.raises(ImproperlyConfigured, match=f"set to the same path as {name}"):
        environment.path_prefix("FORCE_SCRIPT_NAME")
    monkeypatch.setenv("FORCE_SCRIPT_NAME", PREFIX)
    assert environment.path_prefix("FORCE_SCRIPT_NAME") == PREFIX
