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
def test_it_shows_who_is_ahead_and_where_you_stand(alice: Person) -> None:
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


def test_it_ranks_by_revenue_and_tells_it_where_nobody_can_be_made_out(
    alice: Person, charlie: Person
) -> None:
    refer(charlie, 3)
    settle(refer(alice, 1)[0].user, 9000)
    leaderboard.refresh(now=timezone.now())

    shown = board(charlie, "?by=revenue")

    assert [leader["earned"] for leader in shown["leaders"]] == [10.0, 30.0]
    assert [leader["revenue"] for leader in shown["leaders"]] == [None, 30.0]
    assert (shown["you"]["rank"], shown["you"]["revenue"]) == (2, 30.0)


@pytest.mark.parametrize(("friends", "revenue"), [(1, None), (2, None), (3, 30.0)])
def test_revenue_does_not_tell_what_one_friend_spends(
    alice: Person, friends: int, revenue: float | None
) -> None:
    refer(alice, friends)
    leaderboard.refresh(now=timezone.now())

    assert board(alice)["you"]["revenue"] == revenue


def test_whoever_has_all_of_it_back_hides_nobody(alice: Person) -> None:
    _, _, friend = refer(alice, 3)
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
def test_it_names_whoever_wants_to_be_seen(alice: Person, charlie: Person) -> None:
    charlie.api.patch("/user/preferences", {"show_on_leaderboard": True}, format="json")

    assert [leader["username"] for leader in board(alice)["leaders"]] == ["charlie", "alice"]


@pytest.mark.usefixtures("counted")
def test_it_names_nobody_who_is_deactivated(alice: Person, charlie: Person) -> None:
    charlie.user.show_on_leaderboard, charlie.user.is_active = True, False
    charlie.user.save(update_fields=["show_on_leaderboard", "is_active"])

    assert board(alice)["leaders"][0]["username"] is None


@pytest.mark.usefixtures("counted")
def test_it_never_shows_codes_or_addresses(alice: Person, charlie: Person) -> None:
    charlie.api.patch("/user/preferences", {"show_on_leaderboard": True}, format="json")

    text = alice.api.get("/referral/leaderboard").content.decode()

    assert "@" not in text
    assert alice.code not in text
    assert charlie.code not in text


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


@pytest.mark.usefixtures("counted")
def test_whoever_referred_nobody_has_no_row() -> None:
    shown = board(register("dave"))

    assert (len(shown["leaders"]), shown["you"]) == (2, None)


def test_before_the_first_count_it_is_empty(alice: Person) -> None:
    shown = board(alice)

    assert (shown["as_of"], shown["leaders"], shown["you"]) == (None, [], None)


@pytest.mark.parametrize("query", ["?period=1d", "?by=luck", "?period=", "?by=%20"])
def test_it_refuses_what_it_does_not_know(alice: Person, query: str) -> None:
    response = alice.api.get(f"/referral/leaderboard{query}")

    assert response.status_code == 400
    assert response.json()["errors"]


@pytest.mark.parametrize("query", ["?days=7", "?limit=5&period=7d"])
def test_it_names_its_parameters_to_whoever_asks_by_another(alice: Person, query: str) -> None:
    response = alice.api.get(f"/referral/leaderboard{query}")

    [(_, told)] = response.json()["errors"].items()
    assert (response.status_code, told) == (
        400,
        ["Unknown parameter; known are period and by."],
    )


@pytest.mark.usefixtures("counted")
def test_it_costs_one_query_beside_the_key(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    alice.api.get("/user/balance")

    with django_assert_num_queries(2):
        board(alice)
