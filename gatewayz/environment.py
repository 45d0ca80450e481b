"""Reads settings from the environment, and refuses a bad value by the variable's name."""

import os
import re
from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_PORTS = {"http": 80, "https": 443}
_PERIODS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


def refuse(name: str, expected: str) -> ImproperlyConfigured:
    """Return the error for the variable `name`. It leaves the value out, which may be a secret."""
    return ImproperlyConfigured(f"{name} must be {expected} (see .env.example).")


def is_set(name: str) -> bool:
    return bool(os.environ.get(name, "").strip())


def text(name: str, default: str | None = None) -> str:
    """Return the variable's text. Without a default the variable is required."""
    if is_set(name):
        return os.environ[name].strip()
    if default is None:
        raise refuse(name, "set")
    return default


def flag(name: str, *, default: bool) -> bool:
    value = text(name, str(default)).lower()
    if value not in _TRUE | _FALSE:
        raise refuse(name, "true or false")
    return value in _TRUE


def names(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list, without blanks."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def one_of(name: str, choices: Collection[str], *, default: str) -> str:
    value = text(name, default)
    if value not in choices:
        raise refuse(name, f"one of {', '.join(choices)}")
    return value


def whole_number(name: str, *, default: int, least: int, most: int) -> int:
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise refuse(name, f"a whole number from {least} to {most}")
    return int(value)


def amount(name: str, *, default: str, least: str, most: str = "10000") -> Decimal:
    """Return an amount of US dollars with at most two decimals."""
    expected = f"an amount of dollars like {default}, from {least} to {most}"
    try:
        value = Decimal(text(name, default))
    except InvalidOperation:
        raise refuse(name, expected) from None
    if not (value.is_finite() and Decimal(least) <= value <= Decimal(most)):
        raise refuse(name, expected)
    if value != value.quantize(Decimal("0.01")):
        raise refuse(name, "an amount with at most two decimals")
    return value


def web_address(name: str, *, default: str) -> str:
    """Return an http(s) address without a slash at its end."""
    value = text(name, default)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise refuse(name, "an address that begins with https:// (or http://)")
    return value.rstrip("/")


def origin_of(address: str) -> str:
    """Return the origin of a web address as browsers write it: without a default port."""
    parts = urlsplit(address.lower())
    port = f":{parts.port}" if parts.port not in (None, _PORTS[parts.scheme]) else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def origins(name: str, *, default: str) -> list[str]:
    """Return a comma-separated list of origins; an empty one for `none`."""
    listed = text(name, default)
    if listed == "none":
        return []
    form = r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"
    found = [part.strip().lower() for part in listed.split(",")]
    # Not *: every page that somebody opens could then use what that browser knows.
    if not all(re.fullmatch(form, origin) for origin in found):
        raise refuse(name, "origins like https://app.example.com, without a path; or none")
    return [origin_of(origin) for origin in found]


def path_prefix(name: str) -> str | None:
    """Return the path under which a proxy serves the program; None without one."""
    value = text(name, "") or None
    if value and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise refuse(name, "a path like /referrals, without a slash at its end")
    for server in ("SCRIPT_NAME", "GRANIAN_URL_PATH_PREFIX"):
        # The web server would serve under a prefix that links to static files do not have.
        if is_set(server) and text(server) != value:
            raise refuse(name, f"set to the same path as {server}")
    return value


def rate(name: str, *, default: str) -> tuple[int, timedelta] | None:
    """Return a limit as (uses, period); None for no limit."""
    value = text(name, default)
    if value == "off":
        return None
    form = re.fullmatch(r"([1-9][0-9]{0,6})/(second|minute|hour|day)", value)
    if form is None:
        raise refuse(name, "of the form 20/hour (or /second, /minute, /day), or off")
    return int(form[1]), _PERIODS[form[2]]


def days(name: str, *, default: int, least: int) -> timedelta | None:
    """Return a number of days; None for `off`, which means for ever."""
    value = text(name, str(default))
    if value == "off":
        return None
    if not re.fullmatch(r"[0-9]{1,5}", value) or int(value) < least:
        raise refuse(name, f"a number of days, {least} or more, or off")
    return timedelta(days=int(value))


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Return a comma-separated list of addresses and networks; an empty one for `none`."""
    if text(name, "none") == "none":
        return []
    try:
        return [ip_network(part) for part in names(name)]
    except ValueError:
        raise refuse(
            name, "a list of addresses and networks like 10.0.0.7,10.1.0.0/16, or none"
        ) from None


def token(name: str) -> str | None:
    """Return a secret token; None when it is not set."""
    value = text(name, "")
    if value and not re.fullmatch(r"(?!replace)[!-~]{20,}", value):
        raise refuse(name, "at least 20 random characters")
    return value or None


def require_random(name: str, values: list[str], *, length: int) -> None:
    """Refuse secrets that somebody could guess."""
    for value in values:
        is_made_up = re.match(r"django-insecure|replace[-_]me", value)
        if is_made_up or len(value) < length or len(set(value)) < 10:
            raise refuse(name, f"at least {length} random characters")


def stripe_key(name: str, *, default: str | None) -> str:
    value = text(name, default)
    if not re.fullmatch(r"[sr]k_(live|test)_(?!replace)\w{8,247}", value, re.ASCII):
        raise refuse(name, "a Stripe key: sk_live_…, sk_test_…, rk_live_… or rk_test_…")
    return value


def webhook_secrets(name: str, *, default: str | None) -> list[str]:
    """Return one secret or several: during a rotation Stripe signs with both."""
    secrets = [part.strip() for part in text(name, default).split(",")]
    if not all(re.fullmatch(r"whsec_(?!replace)[!-~]{8,}", secret) for secret in secrets):
        raise refuse(name, "one or several comma-separated values of the form whsec_…")
    return secrets
