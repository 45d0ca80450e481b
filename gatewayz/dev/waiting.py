"""Waits for what other processes bring about."""

import time
from collections.abc import Callable

import requests

from gatewayz.dev.checkout import Refusal

POLL_SECONDS = 0.1


def wait_until(find_refusal: Callable[[], str], seconds: float) -> None:
    """Return when there is no refusal any more. Raises Refusal with the last one."""
    deadline = time.monotonic() + seconds
    while refusal := find_refusal():
        if time.monotonic() > deadline:
            raise Refusal(f"after {seconds} s: {refusal}")
        time.sleep(POLL_SECONDS)


def why_not_ready(url: str, *, certificate: str | bool = True) -> str:
    """Return why the address cannot be asked, or nothing."""
    try:
        answer = requests.get(url, timeout=10, verify=certificate)
    except requests.RequestException as refusal:
        return f"{url}: {refusal}"
    is_fault = answer.status_code >= requests.codes.internal_server_error
    return f"{url}: {answer.status_code} {answer.text[:200]}" if is_fault else ""
