"""Operators look at people, keys and entries; money and codes are not theirs to edit."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from accounts import api_keys, ledger
from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person, operator, vouch_for

FORM = {
    "username": "alice",
    "email": "new@example.com",
    "auth_method": "email",
    "is_active": "on",
    "reason": "She asked",
}


@pytest.fixture
def office(db: None) -> Client:
    return operator()


@pytest.fixture
def entry(alice: Person) -> LedgerEntry:
    gift = ledger.post(
        user_id=alice.user.pk,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal("10.00"),
        idempotency_key="gift:1",
        description="A gift",
        now=datetime(2026, 11, 1, tzinfo=UTC),
    )
    return vouch_for(gift)


def test_a_person_can_be_edited_but_not_the_balance_nor_the_codes(
    office: Client, alice: Person, entry: LedgerEntry
) -> None:
    wishes = {"credits": "999.00", "referral_code": "MINE1234", "referred_by_code": "ABC12345"}
    code = alice.code

    office.post(
        f"/admin/accounts/user/{alice.user.pk}/change/",
        FORM | wishes | {"has_made_first_purchase": "on"},
    )

    alice.user.refresh_from_db()
    assert alice.user.email == "new@example.com"
    assert (alice.balance(), alice.user.referral_code) == ("10.00", code)
    assert (alice.user.referred_by_code, alice.user.has_made_first_purchase) == (None, False)


def test_a_key_shows_no_digest(office: Client, alice: Person) -> None:
    key = alice.user.api_keys.get()

    page = office.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()

    assert key.prefix in page
    assert key.digest not in page


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("kept", [{}, {"is_staff": "on"}, {"is_superuser": "on"}], ids=str)
def test_the_last_superuser_stays_one(office: Client, kept: dict[str, str], others: int) -> None:
    olivia = User.objects.get(username="olivia")
    rank = {"is_staff": True, "is_superuser": True}
    User.objects.create(username="otto", email="otto@example.com", is_active=False, **rank)
    for number in range(others):
        User.objects.create(username=f"o{number}", email=f"o{number}@example.com", **rank)

    form = FORM | {"username": "olivia", "email": olivia.email} | kept
    page = office.post(f"/admin/accounts/user/{olivia.pk}/change/", form)

    olivia.refresh_from_db()
    assert (olivia.is_staff and olivia.is_superuser) is (others == 0)
    assert ("is the last superuser" in page.content.decode()) is (others == 0)


def test_a_person_added_in_the_admin_gets_a_code_on_asking(office: Client) -> None:
    form = {"username": "erin", "email": "erin@example.com", "usable_password": "false"}
    form |= {"reason": "She begins on Monday"}
    office.post("/admin/accounts/user/add/", form)
    erin = User.objects.get(username="erin", referral_code=None)
    _, text = api_keys.create(user=erin, name="default", now=datetime.now(UTC))

    code = Person(erin, text).api.get("/referral/code").json()["referral_code"]

    erin.refresh_from_db()
    assert erin.referral_code == code
