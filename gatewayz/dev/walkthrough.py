"""The owner's walkthrough, "1. Alice registers" to "7. Bob has payment and bonus".

One list of steps serves both as lines to paste into a shell and as the story played by `--story`.
A value beginning with `$` stands for what an earlier step kept under that name.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

CARD = {
    "card_number": "4242 4242 4242 4242",
    "card_expiry": "12/34",
    "card_cvc": "123",
    "payment_method": "card",
}
POLLS = 20


@dataclass(frozen=True)
class Step:
    """One call of the API, and what later steps need of its answer."""

    title: str
    path: str
    key: str = ""
    body: Mapping[str, str | int] | None = None
    keeps: Mapping[str, str] = field(default_factory=dict)
    expects: Mapping[str, object] = field(default_factory=dict)
    is_form: bool = False
    polls_until: str = ""


def steps(suffix: str) -> list[Step]:
    """Return the walkthrough for an Alice and a Bob whose names end in `suffix`."""
    alice, bob = f"alice{suffix}", f"bob{suffix}"
    return [
        Step(
            "1. Alice registers",
            "/auth/register",
            body=_registration(alice),
            keeps={"ALICE_API_KEY": "api_key"},
        ),
        Step(
            "2. Alice gets her referral code",
            "/referral/code",
            key="$ALICE_API_KEY",
            keeps={"ALICE_CODE": "referral_code"},
        ),
        Step(
            "3. Bob registers with the code of Alice",
            "/auth/register",
            body=_registration(bob) | {"referral_code": "$ALICE_CODE"},
            keeps={"BOB_API_KEY": "api_key"},
        ),
        *_buying(bob),
    ]


def _buying(bob: str) -> list[Step]:
    return [
        Step(
            "4. Bob creates a checkout for 10 dollars",
            "/api/stripe/checkout-session",
            key="$BOB_API_KEY",
            body={"amount": 1000, "currency": "usd"},
            keeps={"SESSION_ID": "session_id", "PAY_URL": "url"},
        ),
        Step(
            "5. Bob pays on the hosted page, by test card 4242 4242 4242 4242",
            "$PAY_URL",
            body={"email": f"{bob}@example.com", "cardholder_name": "Bob", **CARD},
            is_form=True,
        ),
        Step(
            "   and the webhook tells us so a moment later",
            "/api/stripe/checkout-session/$SESSION_ID",
            key="$BOB_API_KEY",
            polls_until="paid",
        ),
        Step(
            "6. Alice got the bonus: total_earned is 10.0",
            "/referral/stats",
            key="$ALICE_API_KEY",
            expects={"total_earned": 10.0, "current_balance": 10.0},
        ),
        Step(
            "7. Bob got payment and bonus: credits are 20.0",
            "/user/balance",
            key="$BOB_API_KEY",
            expects={"credits": 20.0},
        ),
    ]


def _registration(name: str) -> dict[str, str | int]:
    return {"username": name, "email": f"{name}@example.com", "auth_method": "email"}


def shell_lines(step: Step, api: str) -> list[str]:
    """Write the step for sh, bash and zsh; each line stands for itself."""
    # No quotes in the titles: an interactive zsh reads a pasted comment as a command.
    title = f"# {step.title.strip()}"
    if step.is_form:
        fields = " ".join(f"--data-urlencode '{k}={v}'" for k, v in (step.body or {}).items())
        shown = "%{http_code} %{redirect_url}\\n"
        return [title, f'curl -sS -o /dev/null -w "{shown}" "{step.path}" {fields}']
    curl = _curl(step, api)
    if step.polls_until:
        done = f'grep \'"status":"{step.polls_until}"\''
        attempts = " ".join(str(number) for number in range(1, POLLS + 1))
        return [title, f"for attempt in {attempts}; do {curl} | {done} && break; sleep 1; done"]
    if not step.keeps:
        return [title, f"{curl}; echo"]
    return [
        title,
        f"ANSWER=$({curl}); printf '%s\\n' \"$ANSWER\"",
        *(_capture(variable, name) for variable, name in step.keeps.items()),
    ]


def _curl(step: Step, api: str) -> str:
    parts = [f'curl -sS "{api}{step.path}"']
    if step.key:
        parts.append(f'-H "Authorization: Bearer {step.key}"')
    if step.body is not None:
        text = json.dumps(step.body, separators=(",", ":"))
        # Out of the single quotes for as long as a variable lasts.
        text = re.sub(r"\$[A-Z_]+", lambda variable: f"'\"{variable[0]}\"'", text)
        parts.append(f"-H 'Content-Type: application/json' -d '{text}'")
    return " ".join(parts)


def _capture(variable: str, name: str) -> str:
    pattern = rf's/.*"{name}":"\([^"]*\)".*/\1/p'
    return f"{variable}=$(printf '%s' \"$ANSWER\" | sed -n '{pattern}')"
