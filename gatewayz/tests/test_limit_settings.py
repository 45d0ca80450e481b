"""Limits, proxies and the metrics' token are read from the environment, or refused by name."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatewayz import environment
from gatewayz.tests.test_settings import described, refusal, run

pytestmark = pytest.mark.slow

RATES = [
    ("20/hour", (20, timedelta(hours=1))),
    ("1/second", (1, timedelta(seconds=1))),
    ("600/minute", (600, timedelta(minutes=1))),
    ("5/day", (5, timedelta(days=1))),
    ("off", None),
    ("", (7, timedelta(minutes=1))),
]


@pytest.mark.parametrize(("text", "expected"), RATES)
def test_a_rate_is_read(monkeypatch: pytest.MonkeyPatch, text: str, expected: Any) -> None:
    monkeypatch.setenv("RATE_LIMIT_API", text)

    assert environment.rate("RATE_LIMIT_API", default="7/minute") == expected


BAD_RATES = ["0/hour", "-1/hour", "20", "20/week", "20 /hour", "hour/20", "2e3/day", "٢/day", "no"]


@pytest.mark.parametrize("text", BAD_RATES)
def test_a_bad_rate_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RATE_LIMIT_API", text)

    with pytest.raises(ImproperlyConfigured, match="RATE_LIMIT_API must be of the form 20/hour"):
        environment.rate("RATE_LIMIT_API", default="off")


@pytest.mark.parametrize("text", ["10.0.0", "10.0.0.1/8", "proxy.example.com", "10.0.0.1 10.0.0.2"])
def test_bad_proxies_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", text)

    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES must be a list"):
        environment.networks("TRUSTED_PROXIES")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATE_LIMIT_REGISTER", "many"),
        ("TRUSTED_PROXIES", "everybody"),
        ("METRICS_TOKEN", "short"),
    ],
)
def test_a_bad_setting_is_refused_at_the_start(name: str, value: str) -> None:
    assert f"{name} must be" in refusal(**{name: value})


def test_production_is_limited_unless_told_otherwise() -> None:
    shown = (
        "from django.conf import settings as s; print(*(n for n, r in s.RATE_LIMITS.items() if r))"
    )
    unset = {name: value for name, value in described().items() if "RATE_LIMIT" not in name}

    outcome = run("shell", "-v0", "-c", shown, env=unset)

    assert outcome.stdout.split() == ["register", "validate", "api", "wrong_key"]


def test_production_locks_a_name_out_after_ten_wrong_passwords() -> None:
    asked = "from django.conf import settings; print(settings.AXES_FAILURE_LIMIT)"

    outcome = run("shell", "-v0", "-c", asked, env=described())

    assert outcome.stdout.strip() == "10"
