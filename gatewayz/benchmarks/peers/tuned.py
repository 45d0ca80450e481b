"""The tuned peer: what a hand-tuned server takes for the same rows, without our guards.

FastAPI and asyncpg: one call a settlement, one query a read. It has no limits, no log, no
quarantine and no refunds. Run as `uvicorn gatewayz.benchmarks.peers.tuned:app`; PEER_DATABASE,
PEER_SECRET and PEER_STRIPE are its environment.
"""

import hashlib
import hmac
import os
import secrets
import string
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any

import aiohttp
import asyncpg
import orjson
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel

SECRET = os.environ.get("PEER_SECRET", "").encode()
CODE_CHARACTERS = string.ascii_uppercase + string.digits


async def _keep(_: object) -> None:
    """Hand a connection back as it is."""


@asynccontextmanager
async def _life(application: FastAPI) -> AsyncIterator[None]:
    application.state.pool = await asyncpg.create_pool(
        os.environ["PEER_DATABASE"], min_size=4, max_size=4, reset=_keep
    )
    async with aiohttp.ClientSession(os.environ["PEER_STRIPE"]) as application.state.stripe:
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
    total_uses: int
    remaining_uses: int
    max_uses: int
    total_earned: float


@app.get("/referral/code")
async def code(person: Caller) -> Code:
    uses = person["uses"]
    return Code(
        referral_code=person["referral_code"],
        user_id=person["id"],
        username=person["username"],
        total_uses=uses,
        remaining_uses=10 - uses,
        max_uses=10,
        total_earned=10.0 * uses,
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


class NewPerson(BaseModel):
    username: str
    email: str
    auth_method: str
    referral_code: str | None = None


@app.post("/auth/register", status_code=201)
async def register(person: NewPerson) -> dict[str, Any]:
    key = f"gw_live_{secrets.token_urlsafe(32)}"
    code = "".join(secrets.choice(CODE_CHARACTERS) for _ in range(8))
    row = await app.state.pool.fetchrow(
        "SELECT * FROM peer.register($1, $2, $3, $4, $5)",
        person.username,
        person.email,
        code,
        person.referral_code,
        hashlib.sha256(key.encode()).hexdigest(),
    )
    return {
        "user_id": row[0],
        "username": person.username,
        "email": person.email,
        "auth_method": person.auth_method,
        "api_key": key,
        "credits": 0,
        "referral_code": code,
        "referred_by_code": row[1],
    }


class Order(BaseModel):
    amount: int
    currency: str


@app.post("/api/stripe/checkout-session", status_code=201)
async def checkout(order: Order, person: Caller) -> dict[str, Any]:
    payment_id = await app.state.pool.fetchval(
        "INSERT INTO peer.checkouts (user_id, amount) VALUES ($1, $2) RETURNING id",
        person["id"],
        order.amount,
    )
    form = {
        "mode": "payment",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": order.currency,
        "line_items[0][price_data][unit_amount]": str(order.amount),
        "line_items[0][price_data][product_data][name]": "Credits",
        "client_reference_id": str(person["id"]),
        "metadata[payment_id]": str(payment_id),
        "metadata[user_id]": str(person["id"]),
    }
    headers = {"Authorization": "Bearer sk_test", "Idempotency-Key": f"payment:{payment_id}"}
    async with app.state.stripe.post("/v1/checkout/sessions", data=form, headers=headers) as answer:
        session = orjson.loads(await answer.read())
    await app.state.pool.execute(
        "UPDATE peer.checkouts SET session_id = $2, url = $3 WHERE id = $1",
        payment_id,
        session["id"],
        session["url"],
    )
    return {"session_id": session["id"], "url": session["url"], "payment_id": payment_id}
