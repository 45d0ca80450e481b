"""Simultaneous requests get the same code."""

from functools import partial

import pytest

from accounts.tests.factories import Person
from payments.tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def ask_for_code(person: Person, n: int) -> str:
    """Use both endpoints alternately."""
    api = person.api
    response = api.post("/referral/generate") if n % 2 else api.get("/referral/code")
    code: str = response.json()["referral_code"]
    return code


def test_fifty_simultaneous_requests_get_one_code(alice: Person) -> None:
    alice.change(referral_code=None)

    codes = at_once(*(partial(ask_for_code, alice, n) for n in range(50)))

    alice.user.refresh_from_db()
    assert set(codes) == {alice.user.referral_code}
    assert len(alice.code) == 8
