"""The owner's first way: each step of a settlement is a statement of its own, 27 in all.

FastAPI and asyncpg. The steps and their order are those of the service functions that the wiki
names; nothing is in a transaction, and each balance is read, added to, and written back. The event
is parsed by Stripe's SDK. Run as `uvicorn gatewayz.benchmarks.peers.first_way:app`; PEER_DATABASE
and PEER_SECRET are its environment.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
import stripe
from fastapi import FastAPI, HTTPException, Request

SCHEMA = """
CREATE SCHEMA first_way;
CREATE TABLE first_way.users (
    id bigint PRIMARY KEY, username text NOT NULL UNIQUE, email text NOT NULL UNIQUE,
    credits numeric(14, 2) NOT NULL, referral_code text UNIQUE, referred_by_code text,
    has_made_first_purchase boolean NOT NULL, tier text NOT NULL DEFAULT 'basic',
    subscription_status text NOT NULL DEFAULT 'trial', trial_expires_at timestamptz,
    updated_at timestamptz, created_at timestamptz NOT NULL);
CREATE TABLE first_way.api_keys (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL, api_key text NOT NULL UNIQUE,
    is_trial boolean NOT NULL, trial_converted boolean NOT NULL DEFAULT false,
    subscription_status text NOT NULL DEFAULT 'trial');
CREATE TABLE first_way.payments (
    id bigint PRIMARY KEY, user_id bigint NOT NULL, amount_usd numeric(12, 2) NOT NULL,
    status text NOT NULL, stripe_payment_intent_id text, stripe_session_id text,
    updated_at timestamptz, completed_at timestamptz, created_at timestamptz NOT NULL);
CREATE TABLE first_way.transactions (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL, amount numeric(12, 2) NOT NULL,
    transaction_type text NOT NULL, description text NOT NULL,
    balance_before numeric(14, 2) NOT NULL, balance_after numeric(14, 2) NOT NULL,
    payment_id bigint, metadata jsonb NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE first_way.referrals (
    id bigserial PRIMARY KEY, referrer_id bigint NOT NULL, referred_user_id bigint NOT NULL,
    referral_code text NOT NULL, bonus_amount numeric(12, 2) NOT NULL, status text NOT NULL,
    completed_at timestamptz, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE first_way.events (
    event_id text PRIMARY KEY, event_type text NOT NULL, user_id bigint, metadata jsonb NOT NULL,
    processed_at timestamptz NOT NULL);
CREATE INDEX ON first_way.api_keys (user_id);
CREATE INDEX ON first_way.transactions (user_id, created_at);
CREATE INDEX ON first_way.referrals (referral_code);
CREATE INDEX ON first_way.referrals (referred_user_id);
"""
# The same people and orders as ours; once more after new ones were added.
COPY_PEOPLE = """
INSERT INTO first_way.users SELECT id, username, email, credits, referral_code, referred_by_code,
    has_made_first_purchase, 'basic', 'trial', NULL, NULL, created_at FROM users
    ON CONFLICT DO NOTHING;
INSERT INTO first_way.api_keys (user_id, api_key, is_trial)
    SELECT id, 'key' || id, true FROM users ON CONFLICT DO NOTHING;
INSERT INTO first_way.payments (id, user_id, amount_usd, status, stripe_session_id, created_at)
    SELECT id, user_id, amount / 100.0, status, session_id, created_at FROM payments
    ON CONFLICT DO NOTHING;
"""
BONUS = Decimal(10)
MAX_USES = 10


async def _keep(_: object) -> None:
    """Hand a connection back as it is."""


@asynccontextmanager
async def _life(application: FastAPI) -> AsyncIterator[None]:
    application.state.pool = await asyncpg.create_pool(
        os.environ["PEER_DATABASE"],
        min_size=4,
        max_size=4,
        reset=_keep,
        server_settings={"search_path": "first_way"},
    )
    yield


app = FastAPI(lifespan=_life)


async def _row(statement: str, *values: Any) -> Any:
    return await app.state.pool.fetchrow(statement, *values)


async def _user(user_id: int) -> Any:
    return await _row("SELECT * FROM users WHERE id = $1", user_id)


@app.post("/api/stripe/webhook")
async def webhook(request: Request) -> dict[str, Any]:
    body, signature = await request.body(), request.headers.get("stripe-signature", "")
    try:
        event = stripe.Webhook.construct_event(body, signature, os.environ["PEER_SECRET"])
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise HTTPException(400, "Invalid signature") from error
    if await _row("SELECT event_id FROM events WHERE event_id = $1", event.id):
        return {"success": True, "message": "processed already"}
    session: Any = event.data.object
    user_id = await _complete_checkout(session)
    await _row(
        "INSERT INTO events VALUES ($1, $2, $3, $4, $5) RETURNING *",
        event.id,
        event.type,
        user_id,
        "{}",
        datetime.now(UTC),
    )
    return {"success": True, "event_type": event.type, "event_id": event.id}


async def _complete_checkout(session: Any) -> int:
    user_id, payment_id = (int(session.metadata[name]) for name in ("user_id", "payment_id"))
    amount = Decimal(session.amount_total) / 100
    payment = await _row("SELECT * FROM payments WHERE id = $1", payment_id)
    if payment is None or payment["status"] == "completed":
        return user_id
    await _add_credits(user_id, amount, "purchase", {"session": session.id}, payment_id)
    await _row(
        "UPDATE payments SET status = 'completed', updated_at = $2, completed_at = $2,"
        " stripe_payment_intent_id = $3 WHERE id = $1 RETURNING *",
        payment_id,
        datetime.now(UTC),
        session.payment_intent,
    )
    await _end_trial(user_id)
    user = await _user(user_id)
    is_first, code = not user["has_made_first_purchase"], user["referred_by_code"]
    if is_first and code and amount >= 10:
        await _apply_bonus(user_id, code)
    if is_first:
        await _row(
            "UPDATE users SET has_made_first_purchase = true WHERE id = $1 RETURNING *", user_id
        )
    return user_id


async def _end_trial(user_id: int) -> None:
    user = await _row("SELECT subscription_status, tier FROM users WHERE id = $1", user_id)
    if user["subscription_status"] != "trial":
        return
    await _row(
        "UPDATE users SET subscription_status = 'inactive', trial_expires_at = NULL,"
        " updated_at = $2 WHERE id = $1 RETURNING *",
        user_id,
        datetime.now(UTC),
    )
    await _row(
        "UPDATE api_keys SET is_trial = false, trial_converted = true,"
        " subscription_status = 'inactive' WHERE user_id = $1 RETURNING *",
        user_id,
    )


async def _apply_bonus(user_id: int, code: str) -> None:
    referrer = await _find_referrer(user_id, code)
    if referrer is None:
        return
    user = await _user(user_id)
    pending = await _row(
        "SELECT * FROM referrals WHERE referred_user_id = $1 AND referral_code = $2"
        " AND status = 'pending'",
        user_id,
        code,
    )
    if pending is None:
        await _row(
            "INSERT INTO referrals (referrer_id, referred_user_id, referral_code, bonus_amount,"
            " status, completed_at) VALUES ($1, $2, $3, $4, 'completed', $5) RETURNING *",
            referrer["id"],
            user["id"],
            code,
            BONUS,
            datetime.now(UTC),
        )
    else:
        await _row(
            "UPDATE referrals SET status = 'completed', completed_at = $2 WHERE id = $1"
            " RETURNING *",
            pending["id"],
            datetime.now(UTC),
        )
    await _add_credits(user_id, BONUS, "bonus", {"type": "referee", "code": code})
    await _add_credits(referrer["id"], BONUS, "bonus", {"type": "referrer", "code": code})
    await _row("UPDATE users SET referred_by_code = $2 WHERE id = $1 RETURNING *", user_id, code)
    for person in (user_id, referrer["id"]):
        await _row("SELECT credits FROM users WHERE id = $1", person)


async def _find_referrer(user_id: int, code: str) -> Any:
    """Return the owner of the code, or None if this person may not use it."""
    referrer = await _row("SELECT * FROM users WHERE referral_code = $1", code)
    user = await _user(user_id)
    if referrer is None or user["referral_code"] == code or user["has_made_first_purchase"]:
        return None
    uses = await _row(
        "SELECT count(id) FROM referrals WHERE referral_code = $1 AND status = 'completed'", code
    )
    return referrer if uses[0] < MAX_USES else None


async def _add_credits(
    user_id: int,
    amount: Decimal,
    kind: str,
    metadata: dict[str, str],
    payment_id: int | None = None,
) -> None:
    user = await _row("SELECT id, credits FROM users WHERE id = $1", user_id)
    before, now = user["credits"], datetime.now(UTC)
    await _row(
        "UPDATE users SET credits = $2, updated_at = $3 WHERE id = $1 RETURNING *",
        user_id,
        before + amount,
        now,
    )
    await _row(
        "INSERT INTO transactions (user_id, amount, transaction_type, description, balance_before,"
        " balance_after, payment_id, metadata, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *",
        user_id,
        amount,
        kind,
        f"{kind} of ${amount}",
        before,
        before + amount,
        payment_id,
        orjson.dumps(metadata).decode(),
        now,
    )
