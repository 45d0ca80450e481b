"""EMAIL_URL names the mail server; what it refuses never shows the password."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatewayz import email_url


def read(monkeypatch: pytest.MonkeyPatch, value: str) -> dict[str, Any]:
    monkeypatch.setenv("EMAIL_URL", value)
    return email_url.read("EMAIL_URL", or_files_in=Path("/mail"))


@pytest.mark.parametrize(
    ("value", "port", "ssl", "tls"),
    [
        ("smtp://mail.example.com", 25, False, False),
        ("smtps://bob:p%40ss@mail.example.com", 465, True, False),
        ("smtps://bob:p%40ss@mail.example.com:4650", 4650, True, False),
        ("submission://bob:p%40ss@mail.example.com", 587, False, True),
        ("smtp://bob:p%40ss@mail.example.com:2525?tls=true", 2525, False, True),
        ("smtp://bob:p%40ss@localhost:1025", 1025, False, False),
    ],
)
def test_it_reads_a_server(
    monkeypatch: pytest.MonkeyPatch, value: str, port: int, ssl: bool, tls: bool
) -> None:
    found = read(monkeypatch, value)

    assert (found["EMAIL_PORT"], found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (port, ssl, tls)
    assert found["EMAIL_HOST_PASSWORD"] == ("p@ss" if "bob" in value else None)
    assert found["EMAIL_TIMEOUT"] == 10


@pytest.mark.parametrize(
    ("value", "backend", "folder"),
    [
        ("console:", "console", ""),
        ("file:/var/mail", "filebased", "/var/mail"),
        ("", "filebased", "/mail"),
    ],
)
def test_e_mails_may_go_elsewhere(
    monkeypatch: pytest.MonkeyPatch, value: str, backend: str, folder: str
) -> None:
    found = read(monkeypatch, value)

    assert found["EMAIL_BACKEND"] == f"django.core.mail.backends.{backend}.EmailBackend"
    assert str(found["EMAIL_FILE_PATH"]) == folder


@pytest.mark.parametrize(
    "value",
    [
        "mail.example.com",
        "https://bob:secret@mail.example.com",
        "smtp://",
        "submission://bob:secret@mail.example.com:x",
        "submission://bob:sec/ret@mail.example.com:587",
        "smtp://bob:secret@mail.example.com",
        "smtps://bob:secret@mail.example.com?timeout=x",
        "memory:",
    ],
)
def test_it_refuses_anything_else_without_the_password(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL must be") as refused:
        read(monkeypatch, value)

    assert "sec" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
