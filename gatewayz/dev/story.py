"""Plays the walkthrough through the HTTP doors of the program, and says how it came out."""

import json
import re
import time
from typing import Any

import requests

from gatewayz.dev.walkthrough import Step, steps

TIMEOUT_SECONDS = 30
POLL_SECONDS = 0.2
WEBHOOK_SECONDS = 20


class WrongEnding(Exception):
    """A step of the story did not come out as the walkthrough says."""


def play(api: str, suffix: str) -> None:
    """Play all steps, print each with its answer; raise `WrongEnding` where one goes wrong."""
    kept: dict[str, str] = {}
    print("\nThe story of Alice and Bob", flush=True)
    for step in steps(suffix):
        play_step(step, api, kept)
    asking = (Step("", "/user/balance", key=f"${name}_API_KEY") for name in ("ALICE", "BOB"))
    alice, bob = (call(step, api, kept)["credits"] for step in asking)
    print(f"\nBalances: Alice {alice}, Bob {bob}", flush=True)
    if (alice, bob) != (10.0, 20.0):
        raise WrongEnding("the balances should be: Alice 10.0, Bob 20.0.")


def play_step(step: Step, api: str, kept: dict[str, str]) -> None:
    print(f"\n{step.title}", flush=True)
    if step.is_form:
        return _pay(step, kept)
    answer = call(step, api, kept)
    deadline = time.monotonic() + WEBHOOK_SECONDS
    while step.polls_until and answer["status"] != step.polls_until:
        if time.monotonic() > deadline:
            raise WrongEnding(f"after {WEBHOOK_SECONDS} s the payment is {answer['status']}.")
        time.sleep(POLL_SECONDS)
        answer = call(step, api, kept)
    print(f"   {json.dumps(answer, ensure_ascii=False)}", flush=True)
    kept.update({variable: answer[name] for variable, name in step.keeps.items()})
    for name, expected in step.expects.items():
        if answer[name] != expected:
            raise WrongEnding(f"{name} is {answer[name]}, but should be {expected}.")
    return None


def call(step: Step, api: str, kept: dict[str, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {_fill(step.key, kept)}"} if step.key else {}
    response = requests.request(
        "GET" if step.body is None else "POST",
        api + _fill(step.path, kept),
        json=_fill_body(step, kept) or None,
        headers=headers,
        timeout=TIMEOUT_SECONDS,
    )
    if not response.ok:
        raise WrongEnding(f"{response.url} answered {response.status_code}: {response.text}")
    answer: dict[str, Any] = response.json()
    return answer


def _pay(step: Step, kept: dict[str, str]) -> None:
    response = requests.post(
        _fill(step.path, kept),
        data=_fill_body(step, kept),
        allow_redirects=False,
        timeout=TIMEOUT_SECONDS,
    )
    print(f"   {response.status_code} to {response.headers.get('Location')}", flush=True)
    if response.status_code != requests.codes.see_other:
        raise WrongEnding(f"the hosted page answered {response.status_code}, not 303.")


def _fill_body(step: Step, kept: dict[str, str]) -> dict[str, str | int]:
    filled = (step.body or {}).items()
    return {name: _fill(v, kept) if isinstance(v, str) else v for name, v in filled}


def _fill(text: str, kept: dict[str, str]) -> str:
    return re.sub(r"\$([A-Z_]+)", lambda variable: kept[variable[1]], text)
