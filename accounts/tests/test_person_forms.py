"""Superusers add and edit accounts and set passwords, never money; each form asks why."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts import api_keys, audit
from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, give, register
from accounts.tests.roles import as_owner
from payments.tests.at_once import execute

WHY = {"reason": "She asked"}
ALICE = {"username": "alice", "email": "alice@example.com", "auth_method": "email"}
CHANGED = {**ALICE, "email": "new@example.com"}


def page_of(user: User, name: str = "change") -> str:
    return f"/admin/accounts/user/{user.pk}/{name}/"


def log() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "reason"))


def test_an_edit_is_recorded_and_changes_neither_the_balance_nor_the_codes(
    office: Client, alice: Person
) -> None:
    give(alice, "10.00")
    staff = {"is_staff": "on", "groups": Group.objects.get(name="Support").pk}
    wishes = {"credits": "999.00", "referral_code": "MINE1234", "referred_by_code": "ABC12345"}
    code = alice.code

    form = CHANGED | WHY | staff | wishes | {"has_made_first_purchase": "on"}
    office.post(page_of(alice.user), form)

    entry = audit.of(alice.user).get()
    assert (entry.action, entry.reason) == ("edit user", "She asked")
    assert entry.before == {"email": "alice@example.com", "is_staff": False, "groups": []}
    assert entry.after == {"email": "new@example.com", "is_staff": True, "groups": ["Support"]}
    assert (alice.balance(), alice.user.email, alice.code) == ("10.00", "new@example.com", code)
    assert (alice.user.referred_by_code, alice.user.has_made_first_purchase) == (None, False)


def test_an_edit_puts_nothing_back(
    office: Client, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    save: Callable[..., None] = User.save

    def overtaken(user: User, *args: Any, **kwargs: Any) -> None:
        User.objects.filter(pk=user.pk).update(is_active=False)
        save(user, *args, **kwargs)

    monkeypatch.setattr(User, "save", overtaken)

    office.post(page_of(alice.user), CHANGED | WHY)

    alice.user.refresh_from_db()
    assert (alice.user.email, alice.user.is_active) == ("new@example.com", False)


def test_a_form_without_a_reason_is_refused_and_without_changes_not_recorded(
    office: Client, alice: Person
) -> None:
    refused = office.post(page_of(alice.user), CHANGED)
    unchanged = office.post(page_of(alice.user), ALICE | WHY)

    alice.user.refresh_from_db()
    assert refused.context["adminform"].form.errors.keys() == {"reason"}
    assert alice.user.email == "alice@example.com"
    assert (unchanged.status_code, log()) == (302, [])


def test_adding_a_person_who_gets_a_code_on_asking_and_setting_a_password_are_recorded(
    office: Client,
) -> None:
    password = "a long and unheard-of phrase"
    nina = {"username": "nina", "email": "nina@example.com", "usable_password": "false"}

    office.post("/admin/accounts/user/add/", nina | WHY)
    user = User.objects.get(username="nina", referral_code=None)
    office.post(page_of(user, "password"), {"password1": password, "password2": password} | WHY)
    _, key = api_keys.create(user=user, name="default", now=datetime.now(UTC))
    code = Person(user, key).api.get("/referral/code").json()["referral_code"]

    user.refresh_from_db()
    assert (user.check_password(password), user.referral_code) == (True, code)
    assert log() == [("add user", "She asked"), ("set password", "She asked")]
    assert password not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("kept", [{}, {"is_staff": "on"}, {"is_superuser": "on"}], ids=str)
def test_the_last_superuser_stays_one(office: Client, kept: dict[str, str], others: int) -> None:
    olivia = User.objects.get(username="olivia")
    rank = {"is_staff": True, "is_superuser": True}
    User.objects.create(username="otto", email="otto@example.com", is_active=False, **rank)
    for number in range(others):
        User.objects.create(username=f"o{number}", email=f"o{number}@example.com", **rank)

    form = ALICE | WHY | {"username": "olivia", "email": olivia.email} | kept
    page = office.post(page_of(olivia), form)

    olivia.refresh_from_db()
    assert (olivia.is_staff and olivia.is_superuser) is (others == 0)
    assert ("is the last superuser" in page.content.decode()) is (others == 0)


@pytest.fixture
def c_locale(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave names to the program, as in the C locale, whose LOWER() does not change an Ë."""
    name = "users_username_any_case_unique"
    others = [one for one in User._meta.constraints if one.name != name]
    monkeypatch.setattr(User._meta, "constraints", others)
    with as_owner():
        execute(f"DROP INDEX {name}")


@pytest.mark.usefixtures("c_locale")
def test_a_name_that_is_taken_in_another_case_is_an_error_of_the_form(
    office: Client, alice: Person
) -> None:
    register("zoë")
    zoe = {"username": "ZOË", "email": "zoe@example.com", "usable_password": "false"}

    added = office.post("/admin/accounts/user/add/", zoe | WHY)
    renamed = office.post(page_of(alice.user), ALICE | WHY | {"username": "ZOË"})

    for page in (added, renamed):
        assert page.status_code == 200
        assert page.context["adminform"].form.errors.keys() == {"username"}


@pytest.mark.usefixtures("c_locale")
def test_who_had_the_name_of_another_already_is_edited_and_may_be_renamed(
    office: Client, alice: Person
) -> None:
    register("zoë")
    alice.change(username="ZOË", username_folded=None)
    zoe = ALICE | WHY | {"username": "ZOË", "email": "new@example.com"}

    edited = office.post(page_of(alice.user), zoe)
    unfolded = User.objects.get(pk=alice.user.pk)
    renamed = office.post(page_of(alice.user), zoe | {"username": "Alice"})

    alice.user.refresh_from_db()
    assert (edited.status_code, renamed.status_code) == (302, 302)
    assert (unfolded.email, unfolded.username_folded) == ("new@example.com", None)
    assert (alice.user.username, alice.user.username_folded) == ("Alice", "alice")
