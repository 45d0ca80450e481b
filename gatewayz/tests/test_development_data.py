"""Development has somebody of each kind of staff to log in as."""

from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import register
from gatewayz.dev import development_data
from gatewayz.dev.checkout import Refusal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(development_data, "SECRET_FILE", tmp_path / "operator.secret")


def test_each_logs_in_with_the_password_that_is_printed() -> None:
    passwords = development_data.ensure_staff("postgres://here")

    for name, password in passwords.items():
        answer = Client().post("/admin/login/", {"username": name, "password": password})
        assert answer.status_code == 302
    assert {name: [str(group) for group in of(name).groups.all()] for name in passwords} == {
        "operator": [],
        "support": ["Support"],
        "finance": ["Finance"],
    }


def test_the_passwords_are_the_same_at_each_start_and_others_elsewhere() -> None:
    here, again, there = map(development_data.ensure_staff, ["here", "here", "there"])

    assert here == again
    assert not set(here.values()) & set(there.values())


def test_a_customer_of_that_name_is_not_made_staff() -> None:
    register("support")

    with pytest.raises(Refusal, match="'support'"):
        development_data.ensure_staff("here")
    assert not of("support").is_staff


def of(name: str) -> User:
    return User.objects.get(username=name)
