"""`GET /referral/leaderboard` shows who is ahead, by name only as far as the person allows."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.tests.factories import Person, register
from payments.models import Payment
from payments.reports import leaderboard
from payments.reports.leaderboard import MEASURES
from payments.tests.stripe_events import deliver, refer, refund, settle
from referrals.models import LeaderboardEntry


@pytest.fixture
def counted(alice: Person, charlie: Person) -> None:
    """Charlie is ahead of Alice."""
    refer(alice, 1)
    refer(charlie, 2)
    leaderboard.refresh(now=timezone.now())


def board(caller: Person, query: str = "") -> dict[str, Any]:
    body: dict[str, Any] = caller.api.get(f"/referral/leaderboard{query}").json()
    return body


@pytest.mark.usefixtures("counted")
def test_it_shows_who_is_ahead_and_where_you_stand(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    alice.api.get("/user/balance")
    with django_assert_num_queries(2):
        shown = board(alice)

    ahead = {
        "rank": 1,
        "username": None,
        "referrals": 2,
        "earned": 20.0,
        "signups": 2,
        "qualified": 2,
        "conversion": 100.0,
        "revenue": None,
        "uses_left": 8,
    }
    alone = {"rank": 2, "username": "alice", "referrals": 1, "earned": 10.0, "uses_left": 9}
    you = ahead | alone | {"signups": 1, "qualified": 1}
    assert shown["leaders"] == [ahead, you]
    assert shown["you"] == you
    assert (shown["period"], shown["by"]) == ("all", "referrals")
    assert board(register("dave"))["you"] is None


def test_it_ranks_by_revenue_and_does_not_reveal_what_one_friend_spends(
    alice: Person, charlie: Person
) -> None:
    before = board(alice)
    settle(refer(charlie, 1)[0].user, 9000)
    revenue = []
    for _ in range(3):
        [friend] = refer(alice)
        leaderboard.refresh(now=timezone.now())
        revenue.append(board(alice)["you"]["revenue"])
    shown = board(alice, "?by=revenue")

    assert (before["as_of"], before["leaders"], before["you"]) == (None, [], None)
    assert revenue == [None, None, 30.0]
    assert [leader["revenue"] for leader in shown["leaders"]] == [None, 30.0]
    assert (shown["leaders"][0]["earned"], shown["you"]["rank"]) == (10.0, 2)
    deliver(refund(Payment.objects.get(user=friend.user), 1000))
    leaderboard.refresh(now=timezone.now())
    assert board(alice)["you"]["revenue"] is None


def test_equals_share_a_rank_and_nothing_has_none(alice: Person, charlie: Person) -> None:
    refer(alice, 1)
    refer(charlie, 1)
    dave = register("dave")
    register("erin", code=dave.code)
    leaderboard.refresh(now=timezone.now())

    shown = board(dave)

    assert [leader["rank"] for leader in shown["leaders"]] == [1, 1]
    assert (shown["you"]["rank"], shown["you"]["signups"]) == (None, 1)


@pytest.mark.usefixtures("counted")
def test_it_names_whoever_wants_to_be_seen_until_they_are_deactivated(
    alice: Person, charlie: Person
) -> None:
    charlie.api.patch("/user/preferences", {"show_on_leaderboard": True}, format="json")
    response = alice.api.get("/referral/leaderboard")
    charlie.change(is_active=False)

    leaders = [leader["username"] for leader in response.json()["leaders"]]
    assert leaders == ["charlie", "alice"]
    assert board(alice)["leaders"][0]["username"] is None
    text = response.content.decode()
    assert not any(secret in text for secret in ("@", alice.code, charlie.code))


def test_it_ends_after_twenty_and_still_shows_you(alice: Person) -> None:
    rows = [(register(f"leader{number}"), 30 - number) for number in range(1, 22)]
    for rank, (person, referrals) in enumerate([*rows, (alice, 1)], start=1):
        LeaderboardEntry.objects.create(
            period="7d",
            user=person.user,
            signups=referrals,
            qualified=referrals,
            referrals=referrals,
            earned=referrals * 10,
            revenue=0,
            payers=0,
            uses_left=0,
            **{f"{kind}_by_{by}": rank for kind in ("place", "rank") for by in MEASURES},
            computed_at=timezone.now(),
        )

    shown = board(alice, "?period=7d&by=earnings")

    assert [leader["rank"] for leader in shown["leaders"]] == list(range(1, 21))
    assert shown["you"]["rank"] == 22


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("?period=1d", '"1d" is not a valid choice.'),
        ("?by=luck", '"luck" is not a valid choice.'),
        ("?period=", '"" is not a valid choice.'),
        ("?by=%20", '" " is not a valid choice.'),
        ("?days=7", "Unknown parameter; known are period and by."),
        ("?limit=5&period=7d", "Unknown parameter; known are period and by."),
    ],
)
def test_it_refuses_what_it_does_not_know(alice: Person, query: str, error: str) -> None:
    response = alice.api.get(f"/referral/leaderboard{query}")

    assert response.status_code == 400
    assert list(response.json()["errors"].values()) == [[error]]
