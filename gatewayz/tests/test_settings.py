"""The process refuses to start on bad or missing settings, and names them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

# What .env.example leaves for the operator to fill in.
SECRETS = {
    "SECRET_KEY": "kO3xq0Wm7vHn5sYt9ZrLb2EfJcPdGaUi8NXe1Rz4QwTyCuVoBhMk6jDlSgFp",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "STRIPE_SECRET_KEY": "sk_live_51abcdefgh",
    "STRIPE_WEBHOOK_SECRET": "whsec_51abcdefgh",
}


def described() -> dict[str, str]:
    """Return the production environment of .env.example, with the secrets filled in."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return dict(named) | SECRETS


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


def refusal(**changes: str) -> str:
    """Return the last line of a start that fails."""
    outcome = run("check", env=described() | changes)
    assert outcome.returncode != 0, "it started"
    return outcome.stderr.strip().splitlines()[-1]


def test_it_is_clean_on_the_settings_that_the_example_describes() -> None:
    outcome = run("check", "--deploy", "--fail-level", "WARNING", env=described())

    assert (outcome.returncode, outcome.stdout.strip()) == (
        0,
        "System check identified no issues (0 silenced).",
    ), outcome.stderr


def test_it_warns_of_showing_the_referrers_email_in_full() -> None:
    outcome = run("check", "--deploy", env=described() | {"REFERRAL_REFERRER_EMAIL": "full"})

    assert "referrals.W001" in outcome.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_it_refuses_to_start_without(name: str) -> None:
    assert f"{name} must be" in refusal(**{name: ""})


def test_a_refusal_is_one_line_without_a_traceback() -> None:
    outcome = run("check", env=described() | {"SECRET_KEY": "replace-me"})

    assert outcome.returncode == 1
    assert len(outcome.stderr.splitlines()) == 1


BAD = [
    ("SECRET_KEY", "short"),
    ("SECRET_KEY", "a" * 60),
    ("SECRET_KEY", "django-insecure-" + "abcdefghijklmnopqrstuvwxyz" * 2),
    ("SECRET_KEY", "replace-me-by-the-output-of-openssl-rand-base64-48"),
    ("DATABASE_URL", "sqlite:///db.sqlite3"),
    ("DATABASE_URL", "what?"),
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
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_it_refuses_a_bad_value_by_its_name(name: str, value: str) -> None:
    line = refusal(**{name: value})

    assert f"{name} must be" in line
    assert value not in line or len(value) < 10


def test_it_has_no_sandbox_when_debug_is_off() -> None:
    outcome = run(
        "shell",
        "-v0",
        "-c",
        "from django.conf import settings; print('payments.sandbox' in settings.INSTALLED_APPS)",
        env=described(),
    )

    assert outcome.stdout.strip() == "False", outcome.stderr
