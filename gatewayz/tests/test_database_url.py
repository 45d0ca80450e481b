"""DATABASE_URL is understood as PostgreSQL does, or refused, and what is refused is not shown."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatewayz import database_url

SECRET = "s3cr3t"


def read(monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, Any]:
    monkeypatch.setenv("DATABASE_URL", url)
    return database_url.read("DATABASE_URL")


def item(options: Any = None, **parts: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("NAME", "USER", "PASSWORD", "HOST", "PORT"), "")
    return {**empty, **parts, "OPTIONS": options or {}}


ALL = {"USER": "u", "PASSWORD": "p", "HOST": "h", "PORT": "5432", "NAME": "d"}
UNDERSTOOD = [
    ("postgres://u:p@h:5432/d", item(**ALL)),
    ("postgresql://u:p@h:5432/d", item(**ALL)),
    ("postgres://u:p%2F%3F%40@h:5432/d", item(**ALL | {"PASSWORD": "p/?@"})),
    ("postgres://u:p@#!$@h:5432/d", item(**ALL | {"PASSWORD": "p@#!$"})),
    ("postgres://u@/d?host=/var/run", item(USER="u", HOST="/var/run", NAME="d")),
    ("postgres://%2Fvar%2Frun/d", item(HOST="/var/run", NAME="d")),
    ("postgres://[::1]:5432/d", item(HOST="::1", PORT="5432", NAME="d")),
    ("postgres://a:1,b:2/d", item(HOST="a,b", PORT="1,2", NAME="d")),
    ("postgres://h/d?sslmode=require", item({"sslmode": "require"}, HOST="h", NAME="d")),
    ("postgres://h/d?ssl=true", item({"sslmode": "require"}, HOST="h", NAME="d")),
    (
        "postgres://h/d?options=-c%20search_path%3Da",
        item({"options": "-c search_path=a"}, HOST="h", NAME="d"),
    ),
]


@pytest.mark.parametrize(("url", "expected"), UNDERSTOOD)
def test_it_is_understood(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: dict[str, Any]
) -> None:
    assert read(monkeypatch, url) == expected


REFUSED = [
    f"postgres://u:{SECRET}/x@h/d",
    f"postgres://u:{SECRET}?x@h/d",
    f"postgres://u:1/{SECRET}@h/d",
    f"postgres://u:{SECRET}%zz@h/d",
    f"postgres://u:{SECRET}@h:port/d",
    f"postgres://u:{SECRET}@h",
    f"postgres://u:{SECRET}@[h/d",
    f"postgres://u@h/d?password={SECRET}@x",
    f"postgres://u@h/d?{SECRET}",
    f"postgres://u:{SECRET}@h/d?options",
    f"mysql://u:{SECRET}@h/d",
    f"u:{SECRET}@h/d",
    f"host=h dbname=d password={SECRET}",
]


@pytest.mark.parametrize("url", REFUSED)
def test_any_other_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL must be ") as refusal:
        read(monkeypatch, url)

    assert SECRET not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize("parameter", ["sslmod", "conn_max_age", "pool"])
def test_an_unknown_parameter_is_named(monkeypatch: pytest.MonkeyPatch, parameter: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"does not know: {parameter} "):
        read(monkeypatch, f"postgres://u:{SECRET}@h/d?sslmode=require&{parameter}={SECRET}")
