"""The owner's walkthrough, worked through over HTTP: Alice refers Bob, Bob pays, both are credited.

The program runs as a live server, the sandbox stands in Stripe's place, and the wiki's own SQL
reads the result.
"""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import Person
from gatewayz.dev import story
from gatewayz.dev.walkthrough import Step, steps
from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Event
from payments.tests.sandbox_purchases import try_to_pay
from payments.tests.stripe_events import send


@pytest.fixture
def kept(live_server: LiveServer, sandbox: str, settings: Any) -> dict[str, str]:
    """Play every step; each sees what the wiki says. Return what the steps keep, as the keys."""
    settings.STRIPE_SANDBOX_WEBHOOK_URL = f"{live_server.url}/api/stripe/webhook"
    kept: dict[str, str] = {"API": live_server.url}
    for step in steps(""):
        story.play_step(step, live_server.url, kept)
        if step.is_form:
            deliver_due(timezone.now())
    return kept


def query(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def test_alice_sees_whom_she_referred(kept: dict[str, str]) -> None:
    stats, bob = (
        story.call(Step("", path, key=kept[f"{name}_API_KEY"]), kept["API"], {})
        for path, name in (("/referral/stats", "ALICE"), ("/user/balance", "BOB"))
    )

    assert (stats["total_uses"], stats["remaining_uses"], stats["max_uses"]) == (1, 9, 10)
    [use] = stats["referrals"]
    assert (use["user_id"], use["username"]) == (bob["user_id"], "bob")


def test_the_queries_of_the_wiki_find_what_happened(kept: dict[str, str]) -> None:
    top_referrers = query(
        "SELECT u.username, u.referral_code, COUNT(*) as referrals\n"
        "FROM users u\n"
        "JOIN referrals r ON u.id = r.referrer_id\n"
        "GROUP BY u.id\n"
        "ORDER BY referrals DESC\n"
        "LIMIT 10;"
    )
    recent = query("SELECT * FROM referrals\nORDER BY completed_at DESC\nLIMIT 20;")
    paid = query("SELECT SUM(bonus_amount * 2) as total_bonuses\nFROM referrals;")
    conversion = query(
        "SELECT\n"
        "COUNT(DISTINCT referred_user_id) as total_referred,\n"
        "COUNT(*) as total_converted,\n"
        "(COUNT(*) * 100.0 / COUNT(DISTINCT referred_user_id)) as conversion_rate\n"
        "FROM referrals;"
    )
    [(time_to_purchase,)] = query(
        "SELECT AVG(completed_at - created_at) as avg_time\n"
        "FROM referrals r\n"
        "JOIN users u ON r.referred_user_id = u.id;"
    )

    assert top_referrers == [("alice", kept["ALICE_CODE"], 1)]
    assert len(recent) == 1
    assert paid == [(20,)]
    assert conversion == [(1, 1, 100)]
    assert 0 < time_to_purchase.total_seconds() < 60


@pytest.mark.usefixtures("sandbox")
def test_a_declined_card_credits_nobody(alice: Person, bob: Person) -> None:
    _, page = try_to_pay(bob, 1000, card_number="4000 0000 0000 0002")
    for event in Event.objects.all():
        send(event.body.encode())

    assert page.status_code == 402
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")
