"""A Stripe that answers at once and stores nothing, so that only the program's part is measured.

Run as `uvicorn gatewayz.benchmarks.stripe_stub:app`.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import orjson

Message = dict[str, Any]


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer a request to Stripe's API (ASGI)."""
    if scope["type"] != "http":
        return
    body, is_complete = b"", False
    while not is_complete:
        message = await receive()
        body += message.get("body", b"")
        is_complete = not message.get("more_body", False)
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    answer = respond(scope["path"].split("/")[2:], form)
    content = orjson.dumps(answer or {"error": {"type": "invalid_request_error"}})
    headers: Iterable[tuple[bytes, bytes]] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    status = 200 if answer else 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def respond(path: list[str], form: dict[str, str]) -> Message | None:
    """Return the object that Stripe would have at this address; None where it has none."""
    match path:
        case ["checkout", "sessions"] if form:
            return _new_session(form)
        case ["checkout", "sessions"] | ["events"]:  # as the reconciliation asks
            return {"object": "list", "data": [], "has_more": False, "url": "/v1/" + path[-1]}
        case ["checkout", "sessions", session_id]:
            return _session(session_id, 1000, "usd", {}) | {
                "status": "complete",
                "payment_status": "paid",
                "payment_intent": f"pi_{session_id}",
            }
        case ["payment_intents", intent_id]:
            return _payment_intent(intent_id)
        case ["account"] | ["accounts", _]:
            return {"id": "acct_benchmark", "object": "account", "type": "standard", "settings": {}}
    return None


def _new_session(form: dict[str, str]) -> Message:
    metadata = {name: form.get(f"metadata[{name}]", "") for name in ("payment_id", "user_id")}
    price = "line_items[0][price_data]"
    amount, currency = int(form[f"{price}[unit_amount]"]), form[f"{price}[currency]"]
    return _session(f"cs_test_{secrets.token_hex(16)}", amount, currency, metadata)


def _session(session_id: str, amount: int, currency: str, metadata: dict[str, str]) -> Message:
    return {
        "id": session_id,
        "object": "checkout.session",
        "mode": "payment",
        "status": "open",
        "payment_status": "unpaid",
        "amount_total": amount,
        "amount_subtotal": amount,
        "currency": currency,
        "livemode": False,
        "created": 1700000000,
        "payment_intent": None,
        "customer": None,
        "subscription": None,
        "setup_intent": None,
        "metadata": metadata,
        "url": f"https://checkout.stripe.com/c/pay/{session_id}",
        "expires_at": 1900000000,
        "payment_method_types": ["card"],
        "success_url": "https://example.com/success",
        "cancel_url": "https://example.com/cancel",
    }


def _payment_intent(intent_id: str) -> Message:
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": 1000,
        "amount_capturable": 0,
        "amount_received": 1000,
        "currency": "usd",
        "livemode": False,
        "created": 1700000000,
        "status": "succeeded",
        "confirmation_method": "automatic",
        "capture_method": "automatic",
        "customer": None,
        "latest_charge": None,
        "metadata": {},
        "payment_method": None,
        "payment_method_types": ["card"],
    }
