"""A body that would be read wrongly is refused or read as UTF-8, on every path and method."""

import io
from typing import Any

import pytest
from django.test import Client

from gatewayz.wsgi import application

CHARSETS = ["undefined", "hex", "zlib", "rot13", "utf-16", "latin-1", "nonsense"]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client whose requests are made as the server makes them."""
    monkeypatch.setattr("django.test.client.WSGIRequest", application.request_class)
    return Client()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/referral/validate?x=%C3%BC", "/user/balance?x=1", "/?x=1"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_charset_changes_an_answer(client: Client, method: str, path: str) -> None:
    plain = client.generic(method, path, b"{}", "application/json")

    for charset in CHARSETS:
        strange = client.generic(method, path, b"{}", f"application/json; charset={charset}")

        assert (strange.status_code, strange.content) == (plain.status_code, plain.content), charset


@pytest.mark.django_db
def test_a_body_is_utf_8_whatever_its_charset(client: Client) -> None:
    body = '{"username": "zoë", "email": "zoe@example.com", "auth_method": "email"}'.encode()

    answer = client.generic("POST", "/auth/register", body, "application/json; charset=latin-1")

    assert answer.json()["username"] == "zoë"


class Unread(io.RawIOBase):
    """A body that nobody may read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body is read")


@pytest.mark.parametrize(
    "path", ["/admin/login/", "/referral/validate", "/api/stripe/webhook", "/"]
)
def test_a_large_upload_is_refused_before_it_is_read(client: Client, path: str) -> None:
    upload: dict[str, Any] = {"CONTENT_LENGTH": 200_000_000, "wsgi.input": Unread()}

    answer = client.generic("POST", path, content_type="multipart/form-data; boundary=x", **upload)

    assert answer.status_code == 413
