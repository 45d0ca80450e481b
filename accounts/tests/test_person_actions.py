"""What operators do to people and keys: by a form, with a reason, once, and on record."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import ApiKey, AuditEntry, User
from accounts.tests.factories import Person, colleague

WHY = {"reason": "It stood in a public repository."}
ROTATION = WHY | {"grace": "24"}


@pytest.fixture
def key(alice: Person) -> ApiKey:
    return alice.user.api_keys.get()


def key_path(key: ApiKey, verb: str) -> str:
    return f"/admin/accounts/apikey/{key.pk}/{verb}/"


def person_path(user: User, verb: str) -> str:
    return f"/admin/accounts/user/{user.pk}/{verb}/"


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def page_text(response: Any) -> str:
    return str([str(message) for message in response.context["messages"]])


def is_let_in(person: Person) -> bool:
    return bool(person.api.get("/user/balance").status_code == 200)


def test_a_key_is_rotated_once_and_shown_in_the_answer_alone_and_both_work(
    support: Client, alice: Person, key: ApiKey
) -> None:
    response = support.post(key_path(key, "rotate"), ROTATION)
    again = support.post(key_path(key, "rotate"), ROTATION, follow=True)

    text = response.context["text"]
    assert "no-store" in response["Cache-Control"]
    assert text in response.content.decode()
    kept = [*AuditEntry.objects.values(), *ApiKey.objects.values(), dict(support.session)]
    assert text not in str(kept)
    assert [is_let_in(Person(alice.user, one)) for one in (alice.api_key, text)] == [True, True]
    assert "Nothing was done" in page_text(again)
    assert (ApiKey.objects.count(), actions()) == (2, ["rotate key"])


@pytest.mark.parametrize(("grace", "still"), [("0", False), ("1", True)])
def test_the_old_key_ends_when_the_grace_is_over(
    support: Client, alice: Person, key: ApiKey, grace: str, still: bool
) -> None:
    support.post(key_path(key, "rotate"), WHY | {"grace": grace})

    key.refresh_from_db()
    assert key.revoked_at
    assert key.revoked_at - timezone.now() <= timedelta(hours=int(grace))
    assert is_let_in(alice) is still


@pytest.mark.parametrize(
    ("ends_in", "possible"),
    [(None, ["revoke", "rotate"]), (timedelta(hours=1), ["revoke"]), (-timedelta(hours=1), [])],
)
def test_only_what_can_be_done_to_a_key_is_offered(
    support: Client, key: ApiKey, ends_in: timedelta | None, possible: list[str]
) -> None:
    ApiKey.objects.update(revoked_at=ends_in and timezone.now() + ends_in)

    page = support.get(key_path(key, "change")).content.decode()
    row = support.get(person_path(key.user, "change")).content.decode()

    assert [verb for verb in ("revoke", "rotate") if key_path(key, verb) in page] == possible
    assert [verb for verb in ("revoke", "rotate") if key_path(key, verb) in row] == possible


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
def test_the_key_of_a_colleague_is_for_superusers(
    support: Client, alice: Person, key: ApiKey, verb: str
) -> None:
    alice.change(is_staff=True)

    refused = support.post(key_path(key, verb), ROTATION, follow=True)

    assert "ask a superuser" in page_text(refused)
    assert (actions(), key_path(key, verb) in refused.content.decode()) == ([], False)
    assert key_path(key, verb) not in support.get(key_path(key, "change")).content.decode()


@pytest.mark.parametrize(
    ("name", "why"), [("boss", "ask a superuser"), ("sam", "cannot deactivate your own account")]
)
@pytest.mark.parametrize("verb", ["deactivate", "reactivate"])
def test_nobody_decides_on_a_colleague_or_on_themselves(
    support: Client, verb: str, name: str, why: str
) -> None:
    User.objects.create(username="boss", email="boss@example.com", is_staff=True)
    person = User.objects.get(username=name)
    path = person_path(person, verb)

    answers = [support.get(path, follow=True), support.post(path, WHY, follow=True)]

    person.refresh_from_db()
    assert (person.is_active, actions()) == (True, [])
    for answer in answers:
        assert "Nothing was done" in page_text(answer)
        assert why in page_text(answer)
        assert answer.redirect_chain[0][0] == person_path(person, "change")


@pytest.mark.parametrize("chosen", [{}, *({"grace": hours} for hours in ("", "-1", "9999", "x"))])
def test_a_grace_is_one_of_those_offered(
    support: Client, key: ApiKey, chosen: dict[str, str]
) -> None:
    asked = support.post(key_path(key, "rotate"), WHY | chosen)

    assert "grace" in asked.context["form"].errors
    assert (ApiKey.objects.count(), actions()) == (1, [])


def test_finance_erases_a_person_who_typed_the_name_and_the_reason(
    alice: Person, bob: Person
) -> None:
    finance = colleague("Finance")
    path, asked = person_path(bob.user, "erase"), {"reason": "They asked by letter."}

    page = finance.get(path).content.decode()
    refused = finance.post(path, asked | {"username": "alice"}, follow=True)
    done = finance.post(path, asked | {"username": "bob"}, follow=True)

    assert "Credits that are left are given up" in page
    assert "Nothing was done: this is not the user name." in page_text(refused)
    assert f"The person is erased: the account is now erased #{bob.user.pk}." in page_text(done)
    assert not is_let_in(bob)
    shown = finance.get(person_path(bob.user, "change")).content.decode()
    # Random letters may spell the name.
    assert "bob" not in re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", shown)
    assert actions()[-1] == "erase"


def test_finance_exports_a_person_on_record_and_no_staff(bob: Person) -> None:
    finance = colleague("Finance")
    path = person_path(bob.user, "export_person")

    assert finance.post(path, {"reason": " "}).status_code == 200
    response: Any = finance.post(path, {"reason": "They asked."})
    bob.change(is_staff=True)
    refused = finance.post(path, {"reason": "They asked."}, follow=True)

    assert b'"username":"bob"' in b"".join(response.streaming_content)
    assert "attachment" in response["Content-Disposition"]
    entry = audit.of(bob.user).get()
    assert (entry.action, entry.reason) == ("export person", "They asked.")
    assert "bob is staff: ask a superuser" in page_text(refused)
