"""The made-up history is whole, in order, repeatable, and only for development."""

import io
import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import Adjustment, ApiKey, LedgerEntry, User
from payments.demo import chance, goodwill, seeding
from payments.demo.history import LASTS
from payments.models import Clawback, Payment, StripeEvent
from referrals.models import InviteView, LeaderboardEntry, Referral


def seeded(users: int = 60, seed: int = 1, now: Any = None) -> Counter[str]:
    moment = now or timezone.now()
    return seeding.seed(users=users, seed=seed, now=moment, on_progress=lambda _: None)


def kinds(rows: Iterable[Any], field: str) -> set[Any]:
    return {getattr(row, field) for row in rows}


@pytest.fixture
def eventful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let much go on among few people: each kind is in the deck once."""
    monkeypatch.setattr(chance, "INVITEES", list(chance.Invitee))
    monkeypatch.setattr(chance, "CHECKOUTS", list(chance.Checkout))
    monkeypatch.setattr(chance, "AFTERMATHS", list(chance.Aftermath))
    for share in ("BUYS_AGAIN", "IGNORED_EVENT", "QUARANTINED_EVENT", "HAS_SECOND_KEY"):
        monkeypatch.setattr(chance, share, 0.5)
    monkeypatch.setattr(chance, "BUYS", {True: 0.8, False: 0.5})
    monkeypatch.setattr(goodwill, "THANKED_EVERY", 10)


@pytest.mark.django_db
@pytest.mark.usefixtures("eventful")
def test_each_kind_of_thing_happens_and_all_of_it_in_the_order_of_time() -> None:
    begun = timezone.now()
    seeded(now=begun)

    assert kinds(Referral.objects.all(), "status") == set(Referral.Status)
    assert kinds(Referral.objects.all(), "review") == set(Referral.Review)
    assert kinds(Referral.objects.all(), "is_same_address") == {True, False}
    assert kinds(Payment.objects.all(), "status") >= {"paid", "failed", "expired", "pending"}
    assert kinds(Clawback.objects.all(), "status") >= {"succeeded", "failed", "lost", "won"}
    outcomes = kinds(StripeEvent.objects.all(), "outcome")
    assert outcomes >= {"settled", "repeated", "ignored", "quarantined", "failed", "waiting"}
    assert ApiKey.objects.exclude(name="default").exclude(last_used_at=None).exists()
    assert User.objects.filter(show_on_leaderboard=True).exists()
    assert kinds(Adjustment.objects.all(), "status") == {"posted", "waiting"}
    assert InviteView.objects.exists()
    assert LeaderboardEntry.objects.exists()
    entries = LedgerEntry.objects.order_by("user", "number")
    for earlier, later in pairwise(entries):
        assert earlier.user_id != later.user_id or earlier.created_at <= later.created_at
        assert begun - LASTS <= later.created_at <= begun


@pytest.mark.django_db
def test_nothing_is_left_to_be_asked_of_stripe() -> None:
    seeded()

    assert Payment.objects.filter(status="paid").exists()
    assert not Payment.objects.filter(status="paid", card_checked_at=None).exists()


def history() -> list[Any]:
    """Return what happened to whom and when, by name."""
    entries = LedgerEntry.objects.order_by("created_at", "user__username", "number")
    people = User.objects.order_by("created_at").values_list("username", "email", "created_at")
    return [*people, *entries.values_list("user__username", "kind", "amount", "created_at")]


@pytest.mark.django_db
def test_one_seed_makes_one_history_and_another_another() -> None:
    now, histories = timezone.now(), []
    for seed in (1, 1, 2):
        with transaction.atomic():
            seeded(25, seed, now)
            histories.append(history())
            transaction.set_rollback(True)

    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


@pytest.mark.django_db
def test_done_again_it_adds_other_people() -> None:
    seeded(20)
    before = set(User.objects.values_list("pk", flat=True))
    seeded(20)

    assert User.objects.exclude(pk__in=before).count() == 20


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_strands_side_by_side_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "USERS_OF_A_STRAND", 10)
    told: list[int] = []
    counts = seeding.seed(users=30, seed=1, now=timezone.now(), on_progress=told.append)

    assert counts["users"] == sum(told) == 30
    assert User.objects.exclude(is_staff=True).count() == 30
    assert counts["purchases"] == Payment.objects.filter(status="paid").count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_strand_that_breaks_off_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(_strand: object) -> Any:
        raise SystemExit(3)

    monkeypatch.setattr(seeding, "USERS_OF_A_STRAND", 10)
    monkeypatch.setattr(seeding, "unfold", break_off)

    with pytest.raises(seeding.StrandBrokenError):
        seeded(20)


@pytest.mark.django_db
def test_before_the_first_terms_there_is_no_history() -> None:
    with pytest.raises(seeding.NoTermsError):
        seeded(now=timezone.now() - timedelta(days=36500))


@pytest.mark.django_db
def test_the_command_tells_what_it_did(settings: Any) -> None:
    settings.DEBUG = True
    out = io.StringIO()
    call_command("seed_demo", "--users", "12", stdout=out)

    assert "12 users\n" in out.getvalue()
    assert "users a second." in out.getvalue().splitlines()[-1]


@pytest.mark.django_db
def test_the_command_tells_programs_what_it_did(settings: Any) -> None:
    settings.DEBUG = True
    out = io.StringIO()
    call_command("seed_demo", "--users", "5", "--format", "json", stdout=out)

    assert {"made": "users", "count": 5} in json.loads(out.getvalue())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "users", "refusal"),
    [
        ({"DEBUG": False}, "5", "DEBUG is off"),
        ({"DEBUG": True, "STRIPE_LIVEMODE": True}, "5", "live"),
        ({"DEBUG": True}, "0", "whole number from 1"),
    ],
)
def test_the_command_refuses(
    settings: Any, changes: dict[str, bool], users: str, refusal: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)

    with pytest.raises(CommandError, match=refusal):
        call_command("seed_demo", "--users", users)

    assert not User.objects.exists()
