"""A valid code attributes a referee to a referrer, only at registration."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.tests.stripe_events import refer, settle
from referrals.tests.test_codes import NO_CODES


def ask(username: str = "bob", **body: Any) -> Any:
    body |= {"username": username, "email": f"{username}@example.com", "auth_method": "email"}
    return APIClient().post("/auth/register", body, format="json").json()


def test_a_valid_code_is_applied_as_its_owner_has_it(alice: Person) -> None:
    answer = ask(referral_code=f" {alice.code.lower()} ")

    assert answer["referral"] == {"applied": True, "reason": None}
    assert answer["referred_by_code"] == alice.code
    assert User.objects.get(username="bob").referred_by_code == alice.code


@pytest.mark.parametrize("body", [{}, {"referral_code": None}])
def test_without_a_code_there_is_no_refusal(db: None, body: dict[str, Any]) -> None:
    answer = ask(**body)

    assert answer["referral"] == {"applied": False, "reason": None}
    assert answer["referred_by_code"] is None


def test_any_other_code_does_not_prevent_registration(alice: Person) -> None:
    alice.change(referral_code="SILK1234")
    alice.user.refresh_from_db()

    for number, code in enumerate(odd for odd in NO_CODES if odd and odd != "\ud800"):
        answer = ask(f"bob{number}", referral_code=code)

        assert answer["referral"] == {"applied": False, "reason": "Code not found"}, code
        assert User.objects.get(username=f"bob{number}").referred_by_code is None
    refer(alice, 10)
    reason = "Referral code has reached maximum uses"
    assert ask(referral_code="SILK1234")["referral"] == {"applied": False, "reason": reason}
    assert User.objects.get(username="bob").referred_by_code is None


def test_sign_ups_take_no_use(alice: Person) -> None:
    for number in range(11):
        register(f"friend{number}", code=alice.code)

    stats = alice.api.get("/referral/stats").json()

    assert (stats["total_uses"], stats["remaining_uses"]) == (0, 10)
    assert stats["pending_referrals"] == 11


def test_attribution_and_its_lack_survive_everything_that_comes_later(
    alice: Person, bob: Person, charlie: Person
) -> None:
    later = {"referral_code": charlie.code, "referred_by_code": charlie.code}

    bob.api.post("/referral/validate", later, format="json")
    bob.api.post("/referral/generate", later, format="json")
    charlie.api.post("/referral/validate", {"referral_code": alice.code}, format="json")
    for person in (bob, charlie):
        settle(person.user)

    came_by = [User.objects.get(pk=each.user.pk).referred_by_code for each in (bob, charlie)]
    assert came_by == [alice.code, None]
    assert (alice.balance(), charlie.balance()) == ("10.00", "10.00")


@pytest.mark.parametrize("code", [None, "ABC12345"])
def test_the_database_refuses_another_attribution(bob: Person, code: str | None) -> None:
    with pytest.raises(IntegrityError, match="once and for all"), transaction.atomic():
        bob.change(referred_by_code=code)
