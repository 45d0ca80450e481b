"""The leaderboard counts the period without what was taken back; a snapshot does not change."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from accounts.advisory_locks import LOCK
from accounts.tests.factories import Person, register
from payments.reports import leaderboard
from payments.reports.leaderboard import Leader, Measure
from payments.tests.at_once import another_transaction
from payments.tests.stripe_events import deliver, dispute, refer, refund, settle, turn
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


def test_it_counts_only_the_period(alice: Person, charlie: Person) -> None:
    with time_machine.travel(timezone.now() - 31 * DAY):
        refer(alice, 2)
    refer(charlie, 1)
    refer(alice, 1)

    recent = leaders(days=30)

    assert [(leader.username, leader.referrals, leader.signups) for leader in recent] == [
        ("alice", 1, 1),
        ("charlie", 1, 1),
    ]


def test_it_leaves_out_bonuses_that_were_taken_back(alice: Person, charlie: Person) -> None:
    refer(alice, 2)
    refer(charlie, 1)
    for referral in Referral.objects.filter(referrer=alice.user):
        turn(referral, "voided")

    assert names() == ["charlie"]


def test_people_without_referrals_are_not_on_it(alice: Person) -> None:
    register("dave", code=alice.code)

    assert leaders() == []


def test_revenue_is_what_friends_paid_without_refunds(alice: Person, bob: Person) -> None:
    settle(bob.user, 999)
    partly = settle(bob.user, 5000)
    disputed = settle(bob.user, 3000)

    deliver(refund(partly, 1000))
    deliver(dispute(disputed, 3000))

    [leader] = leaders(by="revenue")
    assert leader.revenue == Decimal("49.99")


def test_friends_beyond_the_cap_still_bring_revenue(alice: Person) -> None:
    ProgramFactory.create(max_uses=1)
    friends = [register(name, code=alice.code) for name in ("bob", "dave")]
    for friend in friends:
        settle(friend.user)

    [leader] = leaders(by="revenue")

    assert (leader.referrals, leader.revenue, leader.uses_left) == (1, Decimal("20.00"), 0)


def test_conversion_counts_qualified_sign_ups_until_now(alice: Person, bob: Person) -> None:
    settle(bob.user)
    for name in ("dave", "eve"):
        settle(register(name, code=alice.code).user, 999)

    [leader] = leaders()

    assert (leader.signups, leader.qualified, leader.conversion) == (3, 1, Decimal("33.3"))


def test_conversion_is_never_above_100_percent(alice: Person, bob: Person) -> None:
    with time_machine.travel(timezone.now() - 40 * DAY):
        old_friend = register("dave", code=alice.code)
    settle(old_friend.user)
    settle(bob.user)

    [leader] = leaders(days=30)

    assert (leader.referrals, leader.signups, leader.qualified) == (2, 1, 1)
    assert leader.conversion == Decimal(100)


def test_without_a_sign_up_there_is_no_conversion(alice: Person) -> None:
    with time_machine.travel(timezone.now() - 40 * DAY):
        friend = register("dave", code=alice.code)
    settle(friend.user)

    [leader] = leaders(days=30)

    assert (leader.signups, leader.conversion) == (0, None)


def test_uses_left_follow_todays_terms(alice: Person) -> None:
    refer(alice, 2)
    turn(Referral.objects.get(use_number=1), "voided")
    ProgramFactory.create(max_uses=3)

    [leader] = leaders()

    assert leader.uses_left == 1


def test_a_snapshot_does_not_change_until_it_is_replaced(alice: Person, charlie: Person) -> None:
    refer(charlie, 2)
    now = timezone.now()
    leaderboard.refresh(now=now)
    refer(alice, 3)

    rows = LeaderboardEntry.objects.filter(period="all").order_by("place_by_referrals")

    assert [(row.user, row.referrals, row.computed_at) for row in rows] == [(charlie.user, 2, now)]
    assert leaderboard.snapshot_time(LeaderboardEntry.Period.ALL) == now


def test_a_new_snapshot_replaces_the_old_one(alice: Person, charlie: Person) -> None:
    with time_machine.travel(timezone.now() - 20 * DAY):
        refer(charlie, 2)
        leaderboard.refresh(now=timezone.now())
    refer(alice, 1)

    leaderboard.refresh(now=timezone.now())

    found = LeaderboardEntry.objects.order_by("period", "place_by_referrals")
    assert [(row.period, row.user.username, row.referrals) for row in found] == [
        ("30d", "charlie", 2),
        ("30d", "alice", 1),
        ("7d", "alice", 1),
        ("all", "charlie", 2),
        ("all", "alice", 1),
    ]


@pytest.mark.parametrize("by", ["referrals", "earnings", "revenue"])
def test_a_snapshot_ranks_as_the_live_count_does(
    alice: Person, charlie: Person, by: Measure
) -> None:
    refer(charlie, 2)
    settle(refer(alice, 1)[0].user, 9000)

    leaderboard.refresh(now=timezone.now())

    rows = (
        LeaderboardEntry.objects.filter(period="all")
        .select_related("user")
        .order_by(f"place_by_{by}")
    )
    kept = [(row.user.username, row.earned, row.revenue, row.conversion) for row in rows]
    live = [(row.username, row.earned, row.revenue, row.conversion) for row in leaders(by=by)]
    assert kept == live


@pytest.mark.django_db(transaction=True)
def test_the_second_of_two_simultaneous_refreshes_does_nothing(alice: Person) -> None:
    refer(alice, 1)

    with another_transaction(LOCK, "leaderboard"):
        did = leaderboard.refresh(now=timezone.now())

    assert (did, LeaderboardEntry.objects.count()) == (False, 0)
