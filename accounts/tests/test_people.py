"""Operators find people, deactivate and reactivate them, and give a reason."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from accounts import audit, people
from accounts.models import User
from accounts.tests.factories import Person, UserFactory, reviewer
from payments.tests.stripe_events import settle

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def deactivate(user: User, by: User | None = None, reason: str = "On request") -> User:
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
def test_a_person_is_found_by_name_email_code_or_id(
    alice: Person, bob: Person, known_as: Callable[[User], str]
) -> None:
    assert people.find(known_as(alice.user)) == alice.user


@pytest.mark.parametrize("who", ["", "#", "#alice", "9" * 30, f"#{'9' * 30}", "ſſſ12345"])
def test_nobody_is_found_by_nonsense(alice: Person, who: str) -> None:
    UserFactory.create(referral_code=None)

    with pytest.raises(User.DoesNotExist):
        people.find(who)


@pytest.mark.parametrize("copied", ["email", "referral_code", "pk"])
def test_a_name_that_equals_another_persons_email_code_or_id_is_ambiguous(
    alice: Person, copied: str
) -> None:
    known_as = str(getattr(alice.user, copied))
    mallory = UserFactory.create(username=known_as, email="mallory@example.com")

    with pytest.raises(people.SeveralPeopleError) as refusal:
        people.find(known_as)

    assert f"#{alice.user.pk} alice, #{mallory.pk} {known_as}" in str(refusal.value)
    assert people.find(f"#{alice.user.pk}") == alice.user


def test_both_need_a_reason_and_are_in_the_audit_log_once(alice: Person) -> None:
    with pytest.raises(audit.ReasonMissingError):
        deactivate(alice.user, reason=" ")
    assert User.objects.get(pk=alice.user.pk).is_active

    for _ in range(2):
        deactivate(alice.user)
    for _ in range(2):
        people.reactivate(alice.user, by=None, reason="Back again", now=NOW)

    entries = audit.of(alice.user).values_list("action", "by", "reason", "before", "after")
    assert list(entries) == [
        ("reactivate", None, "Back again", {"is_active": False}, {"is_active": True}),
        ("deactivate", reviewer().pk, "On request", {"is_active": True}, {"is_active": False}),
    ]


def test_who_saves_an_old_copy_of_a_person_puts_nothing_back(bob: Person) -> None:
    old = User.objects.get(pk=bob.user.pk)
    settle(bob.user)

    old.first_name = "Bob"
    old.save()

    assert (bob.balance(), bob.user.first_name) == ("20.00", "Bob")
    assert bob.user.has_made_first_purchase


def test_operators_cannot_deactivate_their_own_account(db: None) -> None:
    with pytest.raises(people.OwnAccountError):
        deactivate(reviewer(), by=reviewer())


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_only_a_superuser_deactivates_staff(db: None, flag: str) -> None:
    colleague = UserFactory.create(**{flag: True})
    boss = UserFactory.create(is_superuser=True)

    with pytest.raises(people.SuperuserRequiredError):
        deactivate(colleague)

    assert not deactivate(colleague, by=boss).is_active
