"""The peer: what a hand-tuned server takes for the same rows, on tables without our guards.

FastAPI and asyncpg: one call a settlement, one query a read. It has no limits, no log, no
quarantine and no refunds. Run as `uvicorn gatewayz.benchmarks.peer:app`; PEER_DATABASE and
PEER_SECRET are its environment.
"""

import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel

SCHEMA = """
CREATE SCHEMA peer;
CREATE TABLE peer.users (
    id bigint PRIMARY KEY, username text NOT NULL UNIQUE, email text NOT NULL UNIQUE,
    credits numeric(14, 2) NOT NULL, referral_code varchar(16) UNIQUE,
    referred_by_code varchar(16), has_made_first_purchase boolean NOT NULL,
    uses integer NOT NULL, created_at timestamptz NOT NULL) WITH (fillfactor = 90);
CREATE TABLE peer.keys (digest text PRIMARY KEY, user_id bigint NOT NULL);
CREATE TABLE peer.events (
    event_id text PRIMARY KEY, event_type text NOT NULL, body bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer.payments (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL, session_id text NOT NULL UNIQUE,
    amount numeric(12, 2) NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer.referrals (
    id bigserial PRIMARY KEY, referrer_id bigint NOT NULL, referred_user_id bigint NOT NULL UNIQUE,
    bonus_amount numeric(12, 2) NOT NULL, completed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer.entries (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL, kind text NOT NULL,
    amount numeric(12, 2) NOT NULL, balance_after numeric(14, 2) NOT NULL, payment_id bigint,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON peer.payments (user_id);
CREATE INDEX ON peer.referrals (referrer_id, completed_at);
CREATE INDEX ON peer.entries (user_id, id);
CREATE FUNCTION peer.settle(event text, type text, body bytea, buyer bigint, session text,
                            paid numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    inviter bigint; b peer.users; r peer.users; payment bigint; bonus numeric := 10;
BEGIN
    INSERT INTO peer.events (event_id, event_type, body) VALUES (event, type, body)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN 'repeated'; END IF;
    SELECT o.id INTO inviter FROM peer.users u JOIN peer.users o
        ON o.referral_code = u.referred_by_code
        WHERE u.id = buyer AND NOT u.has_made_first_purchase;
    PERFORM FROM peer.users WHERE id IN (buyer, inviter) ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO b FROM peer.users WHERE id = buyer;
    SELECT * INTO r FROM peer.users WHERE id = inviter;
    INSERT INTO peer.payments (user_id, session_id, amount) VALUES (buyer, session, paid)
        RETURNING id INTO payment;
    IF r.id IS NULL OR b.has_made_first_purchase OR paid < 10 OR r.uses >= 10 THEN
        INSERT INTO peer.entries (user_id, kind, amount, balance_after, payment_id)
            VALUES (buyer, 'purchase', paid, b.credits + paid, payment);
        UPDATE peer.users SET credits = credits + paid WHERE id = buyer;
        RETURN 'no bonus';
    END IF;
    INSERT INTO peer.entries (user_id, kind, amount, balance_after, payment_id) VALUES
        (buyer, 'purchase', paid, b.credits + paid, payment),
        (buyer, 'referee_bonus', bonus, b.credits + paid + bonus, payment),
        (r.id, 'referrer_bonus', bonus, r.credits + bonus, payment);
    UPDATE peer.users SET credits = credits + paid + bonus, has_made_first_purchase = true
        WHERE id = buyer;
    UPDATE peer.users SET credits = credits + bonus, uses = uses + 1 WHERE id = r.id;
    INSERT INTO peer.referrals (referrer_id, referred_user_id, bonus_amount)
        VALUES (r.id, buyer, bonus);
    RETURN 'bonus';
END $$;
"""
# The same people as ours; once more after new ones were added.
COPY_PEOPLE = """
INSERT INTO peer.users SELECT id, username, email, credits, referral_code, referred_by_code,
    has_made_first_purchase, (SELECT count(*) FROM referrals WHERE referrer_id = users.id),
    created_at FROM users ON CONFLICT DO NOTHING;
INSERT INTO peer.referrals (referrer_id, referred_user_id, bonus_amount, completed_at)
    SELECT referrer_id, referred_user_id, bonus_amount, completed_at FROM referrals
    ON CONFLICT DO NOTHING;
"""

SECRET = os.environ.get("PEER_SECRET", "").encode()


async def _keep(_: object) -> None:
    """Hand a connection back as it is."""


@asynccontextmanager
async def _life(application: FastAPI) -> AsyncIterator[None]:
    application.state.pool = await asyncpg.create_pool(
        os.environ["PEER_DATABASE"], min_size=4, max_size=4, reset=_keep
    )
    yield


app = FastAPI(lifespan=_life)


def _is_signed(header: str, body: bytes) -> bool:
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at, signature = parts.get("t", ""), parts.get("v1", "")
    if not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    expected = hmac.digest(SECRET, at.encode() + b"." + body, "sha256").hex()
    return hmac.compare_digest(expected, signature)


@app.post("/api/stripe/webhook")
async def webhook(request: Request) -> Response:
    body = await request.body()
    if not _is_signed(request.headers.get("stripe-signature", ""), body):
        return Response(status_code=400)
    event = orjson.loads(body)
    session = event["data"]["object"]
    await app.state.pool.fetchval(
        "SELECT peer.settle($1, $2, $3, $4, $5, $6)",
        event["id"],
        event["type"],
        body,
        int(session["metadata"]["user_id"]),
        session["id"],
        Decimal(session["amount_total"]) / 100,
    )
    return Response(b'{"received":true}', media_type="application/json")


async def _caller(authorization: str = Header("")) -> Any:
    digest = hashlib.sha256(authorization[7:].encode()).hexdigest()
    person = await app.state.pool.fetchrow(
        "SELECT u.* FROM peer.keys k JOIN peer.users u ON u.id = k.user_id WHERE k.digest = $1",
        digest,
    )
    if person is None:
        raise HTTPException(401, "Invalid API key")
    return person


Caller = Annotated[Any, Depends(_caller)]


class Balance(BaseModel):
    user_id: int
    username: str
    credits: Decimal


@app.get("/user/balance")
async def balance(person: Caller) -> Balance:
    return Balance(user_id=person["id"], username=person["username"], credits=person["credits"])


class Code(BaseModel):
    referral_code: str
    user_id: int
    username: str


@app.get("/referral/code")
async def code(person: Caller) -> Code:
    return Code(
        referral_code=person["referral_code"], user_id=person["id"], username=person["username"]
    )


class Typed(BaseModel):
    referral_code: str


@app.post("/referral/validate")
async def validate(typed: Typed) -> dict[str, Any]:
    row = await app.state.pool.fetchrow(
        "SELECT username, email, uses FROM peer.users WHERE referral_code = $1", typed.referral_code
    )
    if row is None:
        return {"valid": False, "message": "Invalid referral code", "error": "Code not found"}
    return {
        "valid": True,
        "message": "Referral code is valid",
        "referrer": {"username": row[0], "email": row[1]},
        "remaining_uses": 10 - row[2],
    }


class Friend(BaseModel):
    user_id: int
    username: str
    bonus_earned: float


class Stats(BaseModel):
    referral_code: str
    total_uses: int
    remaining_uses: int
    total_earned: float
    current_balance: float
    referrals: list[Friend]


@app.get("/referral/stats")
async def stats(person: Caller) -> Stats:
    rows = await app.state.pool.fetch(
        "SELECT r.referred_user_id, u.username, r.bonus_amount FROM peer.referrals r"
        " JOIN peer.users u ON u.id = r.referred_user_id WHERE r.referrer_id = $1"
        " ORDER BY r.completed_at",
        person["id"],
    )
    return Stats(
        referral_code=person["referral_code"],
        total_uses=len(rows),
        remaining_uses=10 - len(rows),
        total_earned=sum(row[2] for row in rows),
        current_balance=person["credits"],
        referrals=[Friend(user_id=r[0], username=r[1], bonus_earned=r[2]) for r in rows],
    )
