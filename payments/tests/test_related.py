"""Accounts that share something are shown with it, and closed together: all of it or nothing."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import audit, people
from accounts.models import AuditEntry, User
from accounts.permissions import PermissionMissingError
from accounts.tests.factories import Person, member_of, register, reviewer
from payments import cards, related
from payments.reports.invariants import breaches
from payments.tests.stripe_events import refer, settle, turn
from referrals.models import Referral


def evidence(person: Person, other: Person) -> tuple[str, ...]:
    """Return what the two accounts have in common."""
    found = {one.user.pk: one.evidence for one in related.related_to(person.user)}
    return found.get(other.user.pk, ())


def share_card(*buyers: Person) -> list[int]:
    payments = [settle(buyer.user, 500) for buyer in buyers]
    for payment in payments:
        cards.record_card(payment, "card of one", now=timezone.now())
    return [payment.pk for payment in payments]


def test_each_link_has_its_evidence_and_strangers_have_none(alice: Person, charlie: Person) -> None:
    """Also when neither has a mailbox, an address or a card that we know."""
    User.objects.update(mailbox=None, signup_address="")
    for person in (alice, charlie):
        person.user.refresh_from_db()
        cards.record_card(settle(person.user, 500), "", now=timezone.now())
    assert related.related_to(alice.user) == []

    _, theirs = share_card(alice, charlie)
    both = User.objects.filter(pk__in=[alice.user.pk, charlie.user.pk])
    both.update(mailbox="one@gmail.com", signup_address="an HMAC")
    for person in (alice, charlie):
        person.user.refresh_from_db()

    found = (f"one card: payment #{theirs}", "one mailbox", "one network address at sign-up")
    assert evidence(alice, charlie) == found


def test_those_of_one_code_are_related_and_those_who_hurried_more(
    alice: Person, bob: Person
) -> None:
    hurried, late = register("dora", code=alice.code), register("erin", code=alice.code)
    User.objects.filter(pk=late.user.pk).update(created_at=timezone.now() + timedelta(minutes=11))

    assert evidence(alice, bob) == ("invited by this person",)
    assert evidence(bob, alice) == ("invited this person",)
    assert evidence(bob, late) == ("invited by the same person",)
    assert evidence(bob, hurried) == (
        "invited by the same person",
        "signed up less than 1 min apart by one code",
    )


def test_however_many_there_are_it_takes_few_queries(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    friends = [register(f"friend{n}", code=alice.code) for n in range(related.MOST + 5)]

    with django_assert_max_num_queries(3):
        assert len(related.related_to(alice.user)) == related.MOST
    with django_assert_max_num_queries(3):
        assert len(related.related_to(friends[0].user)) >= related.MOST


@pytest.fixture
def ring(alice: Person) -> list[Person]:
    """Alice, and four friends who bought."""
    return [alice, *refer(alice, 4)]


def close(ring: list[Person], *, by: User | None, reason: str = "One person") -> related.Closed:
    chosen = [person.user.pk for person in ring]
    return related.close(chosen, by=by, reason=reason, now=timezone.now())


def test_a_ring_is_closed_once_and_its_bonuses_are_held_but_for_what_somebody_decided(
    ring: list[Person],
) -> None:
    turn(Referral.objects.latest("pk"), "voided")
    before = AuditEntry.objects.count()

    closed = close(ring, by=reviewer())

    assert closed == related.Closed(people=5, bonuses=3)
    assert not User.objects.filter(pk__in=[p.user.pk for p in ring], is_active=True).exists()
    assert [row.status for row in Referral.objects.order_by("pk")] == ["held"] * 3 + ["voided"]
    assert [person.balance() for person in ring] == ["0.00", *["10.00"] * 4]
    assert breaches() == []
    for person in ring:
        assert [(e.action, e.reason) for e in audit.of(person.user)] == [
            ("deactivate", "One person")
        ]
    held = AuditEntry.objects.filter(action="hold bonus", reason="One person")
    assert [entry.who for entry in held] == ["rita"] * 3
    assert close(ring, by=reviewer()) == related.Closed(people=0, bonuses=0)
    assert AuditEntry.objects.count() == before + 8


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (lambda ring, by: ring.append(Person(by, "")), people.OwnAccountError),
        (
            lambda ring, by: User.objects.filter(pk=ring[-1].user.pk).update(is_staff=True),
            people.SuperuserRequiredError,
        ),
    ],
)
def test_it_is_all_or_nothing(
    ring: list[Person], spoil: Callable[[list[Person], User], object], refusal: type[Exception]
) -> None:
    by = reviewer()
    spoil(ring, by)

    with pytest.raises(refusal):
        close(ring, by=by)

    assert not User.objects.filter(is_active=False).exists()
    assert not Referral.objects.filter(status="held").exists()
    assert not AuditEntry.objects.exists()


def test_support_looks_and_who_closes_chooses_among_those_shown(
    ring: list[Person], charlie: Person, support: Client, finance: Client
) -> None:
    page = f"/admin/accounts/user/{ring[0].user.pk}/related/"

    shown = support.get(page).content.decode()
    answer = support.post(page, {"chosen": [ring[1].user.pk], "reason": "One person"})
    stranger = finance.post(page, {"chosen": [charlie.user.pk], "reason": "One person"})

    assert "Colleagues of Finance close accounts" in shown
    assert answer.status_code == 403
    with pytest.raises(PermissionMissingError):
        close(ring, by=member_of("Support"))
    assert stranger.context["form"].errors["chosen"]
    assert not User.objects.filter(is_active=False).exists()


def test_the_command_prints_them(ring: list[Person]) -> None:
    out, counted = io.StringIO(), io.StringIO()

    call_command("related", "alice", "--format=csv", stdout=out, stderr=counted)

    rows = out.getvalue().splitlines()
    assert rows[1].endswith("invited by this person")
    assert (len(rows), counted.getvalue().strip()) == (5, "4 related accounts.")
