"""Production speaks HTTPS alone, to its own names; a probe may come as it likes."""

import logging
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import Person, api_with

PROBES = ["/healthz", "/healthz/", "/readyz", "/readyz/"]
HTTPS_REQUIRED = {"detail": "Call the API over HTTPS.", "code": "https_required"}


@pytest.fixture
def production(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["api.example.com"]
    settings.DEBUG = False


pytestmark = pytest.mark.usefixtures("production")


@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
@pytest.mark.parametrize("path", ["/user/balance", "/auth/register", "/api/schema", "/user/x/"])
def test_the_api_over_plain_http_is_refused(path: str, method: str) -> None:
    answer = getattr(Client(), method)(path, headers={"Host": "api.example.com"})

    assert (answer.status_code, answer.json()) == (403, HTTPS_REQUIRED)
    assert "Location" not in answer


def test_a_right_key_over_plain_http_is_refused(alice: Person) -> None:
    answer = api_with(alice.api_key).get("/user/balance", headers={"Host": "api.example.com"})

    assert (answer.status_code, answer.json()) == (403, HTTPS_REQUIRED)


@pytest.mark.parametrize("path", ["/", "/admin/", "/payment/success", "/api/docs"])
def test_a_page_over_plain_http_is_redirected(path: str) -> None:
    answer = Client().get(path, headers={"Host": "api.example.com"})

    assert (answer.status_code, answer["Location"]) == (301, f"https://api.example.com{path}")


@pytest.mark.parametrize("host", ["api.example.com", "10.0.0.7:8000", "a host", ""])
@pytest.mark.parametrize("path", PROBES)
def test_a_probe_is_answered_over_plain_http_and_under_any_host(
    db: None, path: str, host: str
) -> None:
    assert Client().get(path, headers={"Host": host}).status_code == 200


def test_an_unknown_host_is_told_so_and_is_one_line_in_the_log(
    alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    host = {"Host": "evil.example.com"}

    answer = api_with(alice.api_key).get("/user/balance", headers=host, secure=True)
    with caplog.at_level(logging.INFO):
        page = Client().get("/", headers=host | {"Accept": "text/html"}, secure=True)

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")
    assert page.status_code == 400
    assert b"does not answer to the name" in page.content
    assert b"evil" not in answer.content + page.content
    record = caplog.records[-1]
    assert record.msg["refused"] == "unknown host"  # type: ignore[index]
    assert record.exc_info is None
