"""People are deactivated and come back, by an operator who says why."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from accounts import audit, people
from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, reviewer
from accounts.tests.test_registration import ask
from payments.tests.stripe_events import settle

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def deactivate(user: User, by: User | None = None, reason: str = "She asked") -> User:
    return people.deactivate(user, by=by or reviewer(), reason=reason, now=NOW)


@pytest.mark.parametrize(
    "known_as",
    [
        lambda alice: " ALICE ",
        lambda alice: "Alice@example.com",
        lambda alice: alice.referral_code.lower(),
        lambda alice: str(alice.pk),
        lambda alice: f"#{alice.pk}",
    ],
)
def test_a_person_is_found_by_each_way(
    alice: Person, bob: Person, known_as: Callable[[User], str]
) -> None:
    assert people.find(known_as(alice.user)) == alice.user


@pytest.mark.parametrize("who", ["", "#", "#alice", "9" * 30, f"#{'9' * 30}", "ſſſ12345"])
def test_nobody_is_found_by_nonsense(alice: Person, who: str) -> None:
    User.objects.create(username="sam", email="sam@example.com", referral_code=None)

    with pytest.raises(User.DoesNotExist):
        people.find(who)


@pytest.mark.parametrize("borrowed", ["email", "referral_code", "pk"])
def test_nobody_passes_for_another_by_a_name(alice: Person, borrowed: str) -> None:
    known_as = str(getattr(alice.user, borrowed))
    mallory = User.objects.create(username=known_as, email="mallory@example.com")

    with pytest.raises(people.SeveralPeopleError) as refusal:
        people.find(known_as)

    assert f"#{alice.user.pk} alice, #{mallory.pk} {known_as}" in str(refusal.value)
    assert people.find(f"#{alice.user.pk}") == alice.user


def test_no_name_looks_like_an_id() -> None:
    taken = ask(username="#12")

    assert taken.status_code == 400


def test_who_is_deactivated_is_out(alice: Person) -> None:
    deactivate(alice.user)

    assert alice.api.get("/user/balance").status_code == 401


def test_who_comes_back_is_in_again(alice: Person) -> None:
    deactivate(alice.user)

    people.reactivate(alice.user, by=reviewer(), reason="She is back", now=NOW)

    assert alice.api.get("/user/balance").status_code == 200


def test_both_are_recorded(alice: Person) -> None:
    deactivate(alice.user)
    people.reactivate(alice.user, by=None, reason="She is back", now=NOW)

    told = audit.of(alice.user).values_list("action", "by", "reason", "before", "after")
    assert list(told) == [
        ("reactivate", None, "She is back", {"is_active": False}, {"is_active": True}),
        ("deactivate", reviewer().pk, "She asked", {"is_active": True}, {"is_active": False}),
    ]


def test_to_deactivate_twice_is_recorded_once(alice: Person) -> None:
    deactivate(alice.user)
    deactivate(alice.user)

    assert AuditEntry.objects.count() == 1


def test_it_takes_a_reason(alice: Person) -> None:
    with pytest.raises(audit.ReasonMissingError):
        deactivate(alice.user, reason=" ")

    alice.user.refresh_from_db()
    assert alice.user.is_active


def test_who_saves_an_old_copy_of_a_person_puts_nothing_back(bob: Person) -> None:
    old = User.objects.get(pk=bob.user.pk)
    settle(bob.user)

    old.first_name = "Bob"
    old.save()

    assert (bob.balance(), bob.user.first_name) == ("20.00", "Bob")
    assert bob.user.has_made_first_purchase


def test_nobody_deactivates_himself() -> None:
    with pytest.raises(people.OwnAccountError):
        deactivate(User(pk=7), by=User(pk=7))


@pytest.mark.parametrize("rank", ["is_staff", "is_superuser"])
def test_staff_is_deactivated_by_a_superuser_alone(db: None, rank: str) -> None:
    colleague = User.objects.create(username="sam", email="sam@example.com", **{rank: True})
    boss = User.objects.create(username="max", email="max@example.com", is_superuser=True)

    with pytest.raises(people.NotYoursToDecideError):
        deactivate(colleague)

    assert not deactivate(colleague, by=boss).is_active
