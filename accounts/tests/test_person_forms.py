"""Superusers add and edit accounts and set passwords; each form asks why, and is on record."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, colleague, operator

WHY = {"reason": "She asked"}
ALICE = {"username": "alice", "email": "alice@example.com", "auth_method": "email"}
CHANGED = {**ALICE, "email": "new@example.com"}


def page_of(user: User, name: str = "change") -> str:
    return f"/admin/accounts/user/{user.pk}/{name}/"


def log() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "reason"))


@pytest.mark.parametrize("group", ["Support", "Finance"])
@pytest.mark.parametrize("page", ["add/", "{pk}/change/", "{pk}/password/", "{pk}/delete/"])
def test_accounts_are_a_superusers_to_edit(alice: Person, group: str, page: str) -> None:
    path = f"/admin/accounts/user/{page.format(pk=alice.user.pk)}"

    answer = colleague(group).post(path, CHANGED | WHY | {"is_staff": "on"})

    alice.user.refresh_from_db()
    assert answer.status_code == 403
    assert (alice.user.email, alice.user.is_staff) == ("alice@example.com", False)


def test_an_edit_is_recorded_with_before_and_after(alice: Person) -> None:
    staff = {"is_staff": "on", "groups": Group.objects.get(name="Support").pk}

    operator().post(page_of(alice.user), CHANGED | WHY | staff)

    entry = audit.of(alice.user).get()
    assert (entry.action, entry.reason) == ("edit user", "She asked")
    assert entry.before == {"email": "alice@example.com", "is_staff": False, "groups": []}
    assert entry.after == {"email": "new@example.com", "is_staff": True, "groups": ["Support"]}


def test_an_edit_puts_nothing_back(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    office = operator()
    save: Callable[..., None] = User.save

    def overtaken(user: User, *args: Any, **kwargs: Any) -> None:
        User.objects.filter(pk=user.pk).update(is_active=False)
        save(user, *args, **kwargs)

    monkeypatch.setattr(User, "save", overtaken)

    office.post(page_of(alice.user), CHANGED | WHY)

    alice.user.refresh_from_db()
    assert (alice.user.email, alice.user.is_active) == ("new@example.com", False)


def test_a_form_without_changes_is_not_recorded(alice: Person) -> None:
    answer = operator().post(page_of(alice.user), ALICE | WHY)

    assert (answer.status_code, log()) == (302, [])


def test_an_edit_without_a_reason_is_refused(alice: Person) -> None:
    page = operator().post(page_of(alice.user), CHANGED)

    alice.user.refresh_from_db()
    assert page.context["adminform"].form.errors.keys() == {"reason"}
    assert alice.user.email == "alice@example.com"


def test_adding_staff_and_setting_a_password_are_recorded(db: None) -> None:
    office, password = operator(), "a long and unheard-of phrase"
    nina = {"username": "nina", "email": "nina@example.com", "usable_password": "false"}

    office.post("/admin/accounts/user/add/", nina | WHY)
    user = User.objects.get(username="nina")
    office.post(page_of(user, "password"), {"password1": password, "password2": password} | WHY)

    user.refresh_from_db()
    assert user.check_password(password)
    assert log() == [("add user", "She asked"), ("set password", "She asked")]
    assert password not in str(list(AuditEntry.objects.values()))
