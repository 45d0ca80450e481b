"""The process refuses to start on bad or missing settings, and names them."""

import os
import runpy
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

from gatewayz import environment
from gatewayz.dev.checkout import ROOT
from gatewayz.dev.checks import production_environment

PRODUCTION = production_environment("postgres://nobody@127.0.0.1:1/nothing")


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run manage.py in an environment of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_in(environment: dict[str, str]) -> dict[str, Any]:
    """Return the settings as they are read in this environment."""
    with (
        patch.dict(os.environ, environment, clear=True),
        warnings.catch_warnings(action="ignore"),
    ):
        return runpy.run_path(str(ROOT / "gatewayz" / "settings.py"))


def refusal(**changes: str) -> str:
    """Return why the settings cannot be read."""
    with pytest.raises(ImproperlyConfigured) as refused:
        settings_in(PRODUCTION | changes)
    return str(refused.value)


@pytest.mark.slow
def test_who_starts_it_with_a_bad_value_reads_one_line() -> None:
    outcome = run("check", env=PRODUCTION | {"PORT": "eighty"})

    [line] = outcome.stderr.splitlines()
    assert outcome.returncode == 1
    assert line.startswith("manage.py: PORT must be")


@pytest.mark.slow
def test_it_warns_of_what_is_open_or_left_out() -> None:
    """The e-mail of referrers, proxies and mail server, and where log-in links lead."""
    left_out = {"TRUSTED_PROXIES", "EMAIL_URL"}
    kept = {name: value for name, value in PRODUCTION.items() if name not in left_out}

    warned = run(
        *("check", "--deploy"), env=kept | {"REFERRAL_REFERRER_EMAIL": "full", "ALLOWED_HOSTS": "*"}
    )
    silent = run("check", "--deploy", env=kept | {"TRUSTED_PROXIES": "none"})

    for warning in ("referrals.W001", "gatewayz.W001", "gatewayz.W002", "gatewayz.W003"):
        assert warning in warned.stderr
    assert "TRUSTED_PROXIES" not in silent.stderr


SECRETS = ["SECRET_KEY", "DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"]
BAD = [
    *((name, "") for name in SECRETS),
    ("SECRET_KEY", "short"),
    ("SECRET_KEY", "a" * 60),
    ("SECRET_KEY", "django-insecure-" + "abcdefghijklmnopqrstuvwxyz" * 2),
    ("SECRET_KEY", "replace-me-by-the-output-of-openssl-rand-base64-48"),
    ("SECRET_KEY_FALLBACKS", "short"),
    ("API_KEY_PEPPERS", "0123456789abcdef" * 2 + ",short"),
    ("DATABASE_URL", "sqlite:///db.sqlite3"),
    ("DATABASE_URL", "what?"),
    ("DATABASE_REPLICA_URL", "what?"),
    ("DATABASE_REPLICA_MAX_LAG_SECONDS", "0"),
    ("DEBUG", "maybe"),
    ("PORT", "eighty"),
    ("PORT", "70000"),
    ("STRIPE_SECRET_KEY", "pk_live_51abcdefgh"),
    ("STRIPE_SECRET_KEY", "sk_live_replace_me"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_51abcdefgh,"),
    ("STRIPE_WEBHOOK_SECRET", "secret"),
    ("STRIPE_API_BASE", "stripe.example.com"),
    ("FRONTEND_URL", "javascript:alert(1)"),
    ("REFERRAL_BONUS", "ten"),
    ("REFERRAL_BONUS", "-1"),
    ("REFERRAL_BONUS", "NaN"),
    ("REFERRAL_BONUS", "0.001"),
    ("REFERRAL_MIN_PURCHASE", "0"),
    ("REFERRAL_MAX_USES", "0"),
    ("REFERRAL_MAX_USES", "ten"),
    ("REFERRAL_REFERRER_EMAIL", "some"),
    ("RATE_LIMIT_REGISTER", "many"),
    ("TRUSTED_PROXIES", "everybody"),
    ("METRICS_TOKEN", "short"),
    ("FORCE_SCRIPT_NAME", "referrals/"),
    ("RETENTION_EVENTS", "30"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_it_refuses_a_bad_value_by_its_name(name: str, value: str) -> None:
    line = refusal(**{name: value})

    assert f"{name} must be" in line
    assert value not in line or len(value) < 10


def test_production_has_limits_a_lock_out_and_no_sandbox() -> None:
    unset = {name: value for name, value in PRODUCTION.items() if "RATE_LIMIT" not in name}

    shown = settings_in(unset)

    limited = {name for name, rate in shown["RATE_LIMITS"].items() if rate}
    assert limited == {"register", "validate", "api", "log_in", "log_in_link", "wrong_key"}
    assert shown["AXES_FAILURE_LIMIT"] == 10
    assert "payments.sandbox" not in shown["INSTALLED_APPS"]


def test_options_of_the_address_are_beside_ours_and_win() -> None:
    url = PRODUCTION["DATABASE_URL"] + "?connect_timeout=9&options=-c%20statement_timeout%3D9s"

    options = settings_in(PRODUCTION | {"DATABASE_URL": url})["DATABASES"]["default"]["OPTIONS"]

    assert options["connect_timeout"] == "9"
    assert options["options"].startswith("-c lock_timeout=3s ")
    assert options["options"].endswith(" -c statement_timeout=9s")


Read = Callable[[str], object]
RATE: Read = partial(environment.rate, default="7/minute")
DAYS: Read = partial(environment.days, default=90, least=31)
ORIGINS: Read = partial(environment.origins, default="none")
GOOD: list[tuple[Read, str, object]] = [
    (RATE, "20/hour", (20, timedelta(hours=1))),
    (RATE, "1/second", (1, timedelta(seconds=1))),
    (RATE, "600/minute", (600, timedelta(minutes=1))),
    (RATE, "5/day", (5, timedelta(days=1))),
    (RATE, "off", None),
    (RATE, "", (7, timedelta(minutes=1))),
    (DAYS, "", timedelta(days=90)),
    (DAYS, "31", timedelta(days=31)),
    (DAYS, "0400", timedelta(days=400)),
    (DAYS, "off", None),
    (environment.networks, "none", []),
    (ORIGINS, "none", []),
    (ORIGINS, "https://a.example,http://b.example:1", ["https://a.example", "http://b.example:1"]),
    (ORIGINS, "https://A.example:443", ["https://a.example"]),
]


@pytest.mark.parametrize(("read", "text", "expected"), GOOD)
def test_a_value_is_read(
    monkeypatch: pytest.MonkeyPatch, read: Read, text: str, expected: object
) -> None:
    monkeypatch.setenv("NAME", text)

    assert read("NAME") == expected


NO_RATES = ["0/hour", "-1/hour", "20", "20/week", "20 /hour", "hour/20", "2e3/day", "٢/day", "no"]
NO_DAYS = ["30", "-31", "31.5", "31 days", "٩٩", "100000", "never"]
NO_ORIGINS = [
    *("*", "https://*", "https://*.example.com", "null", "app.example.com"),
    *("https://a.example/", "https://a.example/path", "ftp://a.example"),
    *("https://user@a.example", "https://a.example,"),
]
NO_NETWORKS = ["10.0.0", "10.0.0.1/8", "proxy.example.com", "10.0.0.1 10.0.0.2"]


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        *((RATE, text, "of the form 20/hour") for text in NO_RATES),
        *((DAYS, text, "a number of days, 31") for text in NO_DAYS),
        *((environment.networks, text, "a list of addresses") for text in NO_NETWORKS),
        *((ORIGINS, text, "origins like") for text in NO_ORIGINS),
    ],
)
def test_a_value_of_another_form_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, read: Read, text: str, expected: str
) -> None:
    monkeypatch.setenv("NAME", text)

    with pytest.raises(ImproperlyConfigured, match=f"NAME must be {expected}"):
        read("NAME")
