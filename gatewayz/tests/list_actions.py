"""Runs an action on selected rows of an admin list, as an operator does in two steps."""

from collections.abc import Iterable
from typing import Any

from django.test import Client


def text(response: Any) -> str:
    """Return the page, with one space for each run of blanks."""
    return " ".join(response.content.decode().split())


def ask(browser: Client, path: str, action: str, rows: Iterable[int]) -> Any:
    """Return the page that asks before the action is done."""
    return browser.post(path, {"action": action, "_selected_action": list(rows)})


def run(browser: Client, path: str, action: str, rows: Iterable[int], **answers: str) -> Any:
    """Answer the question; return what the answer leads to."""
    sent = {"action": action, "_selected_action": list(rows), "answered": "yes"}
    return browser.post(path, sent | answers)
