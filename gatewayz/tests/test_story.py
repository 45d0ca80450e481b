"""The owner's walkthrough, worked through over HTTP: Alice refers Bob, Bob pays, both are credited.

The program runs as a live server, the sandbox stands in Stripe's place, and the wiki's own SQL
reads the result.
"""

from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from payments.sandbox.deliveries import deliver_due

CARD = {
    "email": "bob@example.com",
    "card_number": "4242 4242 4242 4242",
    "card_expiry": "12/34",
    "card_cvc": "123",
    "cardholder_name": "Bob",
    "payment_method": "card",
}


class Api:
    """Speaks to the live server as curl does in the wiki."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: dict[str, Any], key: str = "") -> dict[str, Any]:
        return self._send("POST", path, key, json=body)

    def get(self, path: str, key: str) -> dict[str, Any]:
        return self._send("GET", path, key)

    def _send(self, method: str, path: str, key: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self.address}{path}"
        response = requests.request(method, url, headers=headers, timeout=10, **body)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def register(self, name: str, **more: str) -> dict[str, Any]:
        person = {"username": name, "email": f"{name}@example.com", "auth_method": "email"}
        return self.post("/auth/register", person | more)


@pytest.fixture
def api(live_server: LiveServer, sandbox: str, settings: Any) -> Api:
    settings.STRIPE_SANDBOX_WEBHOOK_URL = f"{live_server.url}/api/stripe/webhook"
    return Api(live_server.url)


def query(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@pytest.fixture
def alice_and_bob(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """Steps 1 to 5 of the wiki: registered, referred, bought and paid."""
    alice = api.register("alice")
    code = api.get("/referral/code", alice["api_key"])["referral_code"]
    bob = api.register("bob", referral_code=code)
    order = {"amount": 1000, "currency": "usd"}
    session = api.post("/api/stripe/checkout-session", order, bob["api_key"])
    paid = requests.post(session["url"], data=CARD, allow_redirects=False, timeout=10)
    assert paid.status_code == 303
    deliver_due(timezone.now())
    return alice, bob


def test_alice_earns_ten_dollars(api: Api, alice_and_bob: Any) -> None:
    alice, bob = alice_and_bob

    stats = api.get("/referral/stats", alice["api_key"])

    assert stats["total_earned"] == 10.0
    assert (stats["total_uses"], stats["remaining_uses"], stats["max_uses"]) == (1, 9, 10)
    assert [(use["user_id"], use["username"]) for use in stats["referrals"]] == [
        (bob["user_id"], "bob")
    ]


def test_bob_has_his_purchase_and_a_bonus(api: Api, alice_and_bob: Any) -> None:
    bob = alice_and_bob[1]

    balance = api.get("/user/balance", bob["api_key"])

    assert balance["credits"] == 20.0


def test_a_declined_card_credits_nobody(api: Api, sandbox: str) -> None:
    bob = api.register("bob")
    order = {"amount": 1000, "currency": "usd"}
    session = api.post("/api/stripe/checkout-session", order, bob["api_key"])

    declined = requests.post(
        session["url"], data=CARD | {"card_number": "4000 0000 0000 0002"}, timeout=10
    )
    deliver_due(timezone.now())

    assert declined.status_code == 402
    assert api.get("/user/balance", bob["api_key"])["credits"] == 0.0


def test_the_wiki_finds_the_top_referrers(alice_and_bob: Any) -> None:
    alice = alice_and_bob[0]

    rows = query(
        "SELECT u.username, u.referral_code, COUNT(*) as referrals\n"
        "FROM users u\n"
        "JOIN referrals r ON u.id = r.referrer_id\n"
        "GROUP BY u.id\n"
        "ORDER BY referrals DESC\n"
        "LIMIT 10;"
    )

    assert rows == [("alice", alice["referral_code"], 1)]


def test_the_wiki_finds_recent_referrals(alice_and_bob: Any) -> None:
    rows = query("SELECT * FROM referrals\nORDER BY completed_at DESC\nLIMIT 20;")

    assert len(rows) == 1


def test_the_wiki_finds_the_total_bonus_paid(alice_and_bob: Any) -> None:
    rows = query("SELECT SUM(bonus_amount * 2) as total_bonuses\nFROM referrals;")

    assert rows == [(20,)]


def test_the_wiki_finds_the_conversion_rate(alice_and_bob: Any) -> None:
    rows = query(
        "SELECT\n"
        "COUNT(DISTINCT referred_user_id) as total_referred,\n"
        "COUNT(*) as total_converted,\n"
        "(COUNT(*) * 100.0 / COUNT(DISTINCT referred_user_id)) as conversion_rate\n"
        "FROM referrals;"
    )

    assert rows == [(1, 1, 100)]


def test_the_wiki_finds_the_time_to_the_first_purchase(alice_and_bob: Any) -> None:
    [(average,)] = query(
        "SELECT AVG(completed_at - created_at) as avg_time\n"
        "FROM referrals r\n"
        "JOIN users u ON r.referred_user_id = u.id;"
    )

    assert 0 < average.total_seconds() < 60
