"""A code is one value, however many ask for it at once."""

from functools import partial

import pytest

from accounts.models import User
from accounts.tests.factories import Person
from payments.tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def ask_for_code(person: Person, n: int) -> str:
    """Ask by one of the two ways in turn."""
    api = person.api
    response = api.post("/referral/generate") if n % 2 else api.get("/referral/code")
    code: str = response.json()["referral_code"]
    return code


def test_a_code_asked_for_fifty_times_at_once_is_one_value(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(referral_code=None)

    codes = at_once(*(partial(ask_for_code, alice, n) for n in range(50)))

    alice.user.refresh_from_db()
    assert set(codes) == {alice.user.referral_code}
    assert len(alice.code) == 8
