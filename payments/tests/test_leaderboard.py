"""The leaderboard counts the period without what was taken back; a snapshot does not change."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.advisory_locks import LOCK
from accounts.tests.factories import Person, register
from payments.reports import leaderboard
from payments.reports.leaderboard import Leader, Measure
from payments.tests.at_once import another_transaction
from payments.tests.stripe_events import deliver, dispute, refer, refund, settle, turn
from payments.tests.test_commands import Run
from referrals.models import LeaderboardEntry, Referral
from referrals.tests.factories import ProgramFactory

DAY = timedelta(days=1)


def leaders(days: int | None = None, by: Measure = "referrals") -> list[Leader]:
    return leaderboard.leaderboard(now=timezone.now(), limit=10, days=days, by=by)


def names(by: Measure = "referrals") -> list[str]:
    return [leader.username for leader in leaders(by=by)]


def test_ties_share_a_rank_and_are_ordered_by_earnings(alice: Person, charlie: Person) -> None:
    refer(alice, 1)
    refer(register("dave"), 2)
    ProgramFactory.create(referrer_bonus=Decimal("15.00"))
    refer(charlie, 1)
    refer(register("eve"), 1)

    assert [(leader.rank, leader.username) for leader in leaders()] == [
        (1, "dave"),
        (2, "charlie"),
        (2, "eve"),
        (2, "alice"),
    ]
    assert [leader.rank for leader in leaders(by="earnings")] == [1, 2, 2, 4]


def test_in_a_snapshot_ties_share_a_rank_and_zero_has_none(alice: Person, charlie: Person) -> None:
    refer(alice, 1)
    refer(charlie, 1)
    register("erin", code=register("dave").code)

    leaderboard.refresh(now=timezone.now())

    rows = LeaderboardEntry.objects.filter(period="7d").order_by("place_by_revenue")
    assert [(row.user.username, row.place_by_revenue, row.rank_by_revenue) for row in rows] == [
        ("alice", 1, 1),
        ("charlie", 2, 1),
        ("dave", 3, None),
    ]


def test_of_equal_referrers_the_older_account_comes_first(alice: Person, charlie: Person) -> None:
    refer(charlie, 1)
    refer(alice, 1)

    assert names() == names(by="earnings") == names(by="revenue") == ["alice", "charlie"]


def figures(days: int | None) -> dict[str, tuple[Any, ...]]:
    return {
        leader.username: (
            *(leader.referrals, leader.earned, leader.revenue),
            *(leader.signups, leader.qualified, leader.conversion, leader.uses_left),
        )
        for leader in leaders(days, by="revenue")
    }


def test_a_period_has_its_own_referrals_sign_ups_and_revenue(
    alice: Person, charlie: Person
) -> None:
    """Forty days ago two came by Alice's code, of whom one bought, and one by Dora's.

    Since then three more came by Alice's. Of the five one buys too little, one is voided, and one
    is beyond the cap. Who came by Charlie's code has bought nothing.
    """
    ProgramFactory.create(starts_at=timezone.now() - 50 * DAY, max_uses=3)
    dora = register("dora")
    with time_machine.travel(timezone.now() - 40 * DAY):
        refer(alice, 1)
        old, hers = (register(f"of_{one.user}", code=one.code) for one in (alice, dora))
    small, voided, beyond = (register(name, code=alice.code) for name in ("s", "v", "b"))
    register("erin", code=charlie.code)
    settle(hers.user)
    settle(old.user)
    partly, disputed = settle(old.user, 5000), settle(old.user, 3000)
    deliver(refund(partly, 1000))
    deliver(dispute(disputed, 3000))
    settle(small.user, 999)
    settle(voided.user)
    turn(Referral.objects.get(referred_user=voided.user), "voided")
    settle(beyond.user)

    of_dora = 1, Decimal(10), Decimal(10)
    assert figures(30) == {
        "alice": (1, Decimal(10), Decimal("79.99"), 3, 2, Decimal("66.7"), 0),
        "dora": (*of_dora, 0, 0, None, 2),
    }
    assert figures(None) == {
        "alice": (2, Decimal(20), Decimal("89.99"), 5, 4, Decimal("80.0"), 0),
        "dora": (*of_dora, 1, 1, Decimal(100), 2),
    }
    assert names() == names("earnings") == ["alice", "dora"]


def test_a_snapshot_stays_as_it_is_until_a_new_one_replaces_it(
    alice: Person, charlie: Person
) -> None:
    def kept() -> list[tuple[str, str, int]]:
        rows = LeaderboardEntry.objects.order_by("period", "place_by_referrals")
        return [(row.period, row.user.username, row.referrals) for row in rows]

    with time_machine.travel(timezone.now() - 20 * DAY):
        refer(charlie, 2)
        leaderboard.refresh(now=timezone.now())
    refer(alice, 1)
    before, now = kept(), timezone.now()
    leaderboard.refresh(now=now)

    assert before == [(period, "charlie", 2) for period in ("30d", "7d", "all")]
    assert kept() == [
        ("30d", "charlie", 2),
        ("30d", "alice", 1),
        ("7d", "alice", 1),
        ("all", "charlie", 2),
        ("all", "alice", 1),
    ]
    assert leaderboard.snapshot_time(LeaderboardEntry.Period.ALL) == now


def test_a_snapshot_ranks_as_the_live_count_does(alice: Person, charlie: Person) -> None:
    refer(charlie, 2)
    settle(refer(alice, 1)[0].user, 9000)

    leaderboard.refresh(now=timezone.now())

    rows = LeaderboardEntry.objects.filter(period="all").select_related("user")
    for by in leaderboard.MEASURES:
        kept = [
            (row.user.username, row.earned, row.revenue, row.conversion)
            for row in rows.order_by(f"place_by_{by}")
        ]
        live = [(row.username, row.earned, row.revenue, row.conversion) for row in leaders(by=by)]
        assert kept == live, by


@pytest.mark.django_db(transaction=True)
def test_the_second_of_two_simultaneous_refreshes_does_nothing(alice: Person) -> None:
    refer(alice, 1)

    with another_transaction(LOCK, "leaderboard"):
        did = leaderboard.refresh(now=timezone.now())

    assert (did, LeaderboardEntry.objects.count()) == (False, 0)


def test_the_command_lists_a_period_and_as_many_as_are_asked_for(
    alice: Person, charlie: Person
) -> None:
    assert Run("leaderboard").printed.splitlines()[1:] == ["0 referrers."]
    refer(charlie, 2)
    with time_machine.travel(timezone.now() - 40 * DAY):
        [bob] = refer(alice, 1)

    first, _ = json.loads(Run("leaderboard", "--format", "json").printed)

    assert first == {
        "rank": 1,
        "username": "charlie",
        "referral_code": charlie.code,
        "referrals": 2,
        "earned": 20.0,
        "revenue": 20.0,
        "signups": 2,
        "qualified": 2,
        "conversion": 100.0,
        "uses_left": 8,
    }
    for option in (("--days", "30"), ("--limit", "1")):
        assert json.loads(Run("leaderboard", *option, "--format", "json").printed) == [first]
    settle(bob.user, 5000)
    by_revenue = json.loads(Run("leaderboard", "--by", "revenue", "--format", "json").printed)
    assert [(row["username"], row["revenue"]) for row in by_revenue] == [
        *(("alice", 60.0), ("charlie", 20.0)),
    ]
    assert Run("leaderboard").printed.splitlines()[-1] == "2 referrers."


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--days", days) for days in ("0", "-1", "1.5", "100001", "9" * 5000)),
        *(("--limit", limit) for limit in ("0", "many", "")),
        *(("--format", "xml"), ("--by", "luck")),
    ],
)
def test_the_command_refuses_invalid_arguments(db: None, arguments: tuple[str, str]) -> None:
    assert arguments[0] in Run("leaderboard", *arguments).refusal
