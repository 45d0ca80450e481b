"""The accounts endpoints show the caller's own data, page by page, in few queries."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts import api_keys, callers
from accounts.models import ApiKey
from accounts.tests.factories import Person, api_with
from accounts.tests.test_ledger import post
from payments.tests.at_once import at_once


def give(person: Person, count: int, *, start: int = 0) -> None:
    """Post `count` entries of a cent each."""
    for number in range(start, start + count):
        key = f"gift:{person.user.pk}:{number}"
        post(person, "0.01", idempotency_key=key, description=f"Gift {number}")


def pages(client: APIClient, path: str) -> Iterator[list[dict[str, Any]]]:
    """Follow `next` from the first page to the last."""
    address = path
    while address:
        page = client.get(address).json()
        yield page["results"]
        address = page["next"]


def queries_of(client: APIClient, path: str) -> int:
    ApiKey.objects.update(last_used_at=timezone.now())
    callers.record_use()  # what an earlier test has left
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_the_statement_lists_the_callers_entries_newest_first(
    alice: Person, charlie: Person
) -> None:
    give(alice, 3)
    give(charlie, 1)
    cost_of_few = queries_of(alice.api, "/user/transactions")

    entries = alice.api.get("/user/transactions").json()["results"]

    assert [entry["description"] for entry in entries] == ["Gift 2", "Gift 1", "Gift 0"]
    assert [entry["balance_after"] for entry in entries] == [0.03, 0.02, 0.01]
    give(alice, 60, start=3)
    assert queries_of(alice.api, "/user/transactions") == cost_of_few
    assert queries_of(alice.api, "/user/balance") == 1


def test_the_pages_contain_every_entry_once_and_a_new_one_shifts_none(alice: Person) -> None:
    give(alice, 120)

    first, *others = list(pages(alice.api, "/user/transactions"))
    second = alice.api.get("/user/transactions").json()["next"]
    give(alice, 5, start=120)

    assert [len(page) for page in (first, *others)] == [50, 50, 20]
    descriptions = [entry["description"] for page in (first, *others) for entry in page]
    assert descriptions == [f"Gift {number}" for number in reversed(range(120))]
    assert alice.api.get(second).json()["results"] == others[0]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "%00",
        "%C3%A9",
        "cD0xOyBEUk9QIFRBQkxF",  # p=1; DROP TABLE
        "cD1hYmM=",  # p=abc
        "cD0tMQ==",  # p=-1
        "cD0xZTk5",  # p=1e99
        "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5",  # p=99999999999999999999999
        "cD3ZodmiJTAw",  # p=١٢
        "cD0yMDI2LTAxLTAx",  # p=2026-01-01
    ],
)
def test_a_forged_cursor_is_refused(alice: Person, cursor: str) -> None:
    give(alice, 1)

    response = alice.api.get(f"/user/transactions?cursor={cursor}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["cursor"]


def test_a_new_key_is_shown_once_and_valid_until_it_is_revoked(alice: Person) -> None:
    made = alice.api.post("/user/api-keys", {"name": "CI"}, format="json").json()

    listed = alice.api.get("/user/api-keys").json()

    assert [key["name"] for key in listed] == ["CI", "default"]
    assert made["api_key"].startswith(listed[0]["prefix"])
    assert not any("api_key" in key or "digest" in key for key in listed)
    balance = partial(api_with(made["api_key"]).get, "/user/balance")
    assert balance().json()["username"] == "alice"
    answers = [alice.api.delete(f"/user/api-keys/{made['id']}").status_code for _ in range(2)]
    assert (answers, balance().status_code) == ([204, 404], 401)


def revoke_first(person: Person, query: str = "") -> Any:
    key = person.user.api_keys.order_by("pk")[0]
    return person.api.delete(f"/user/api-keys/{key.pk}{query}")


@pytest.mark.parametrize("has_ending_key", [False, True])
def test_the_last_key_is_revoked_once_it_is_confirmed(alice: Person, has_ending_key: bool) -> None:
    if has_ending_key:
        ending, _ = api_keys.create(user=alice.user, name="", now=timezone.now())
        ApiKey.objects.filter(pk=ending.pk).update(revoked_at=timezone.now() + timedelta(hours=1))

    for query in ("", "?confirm=false"):
        answer = revoke_first(alice, query)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_key")
    unclear = revoke_first(alice, "?confirm=perhaps")

    assert (unclear.status_code, list(unclear.json()["errors"])) == (400, ["confirm"])
    assert alice.api.get("/user/balance").status_code == 200
    assert revoke_first(alice, "?confirm=true").status_code == 204
    assert alice.api.get("/user/balance").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_two_keys_revoked_at_once_leave_one(alice: Person) -> None:
    api_keys.create(user=alice.user, name="", now=timezone.now())
    paths = [f"/user/api-keys/{key.pk}" for key in alice.user.api_keys.all()]
    calls = [partial(alice.api.delete, path) for path in paths]

    codes = {answer.status_code for answer in at_once(*calls)}

    assert ApiKey.objects.filter(revoked_at=None).count() == 1
    assert 204 in codes


def test_every_answer_that_shows_a_key_is_kept_by_no_cache(alice: Person) -> None:
    document = SchemaGenerator().get_schema(request=None, public=True)
    showing = {
        (path, method)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "201" in operation["responses"]
        and "api_key" in document["components"]["schemas"][_answer_of(operation)]["properties"]
    }
    answers = {
        ("/auth/register", "post"): alice.api.post(
            "/auth/register",
            {"username": "dora", "email": "dora@example.com", "auth_method": "email"},
            format="json",
        ),
        ("/user/api-keys", "post"): alice.api.post("/user/api-keys", {}, format="json"),
    }

    assert showing == set(answers)
    assert {answer["Cache-Control"] for answer in answers.values()} == {"no-store"}


def _answer_of(operation: Any) -> str:
    """Return the name of the schema of what is created."""
    schema = operation["responses"]["201"]["content"]["application/json"]["schema"]
    return str(schema["$ref"]).rpartition("/")[2]


def test_the_key_of_another_user_and_an_impossible_one_are_not_found(
    alice: Person, charlie: Person
) -> None:
    key = alice.user.api_keys.get()

    for pk in (key.pk, "0", "9223372036854775808", "-1", "abc", "1%00"):
        assert charlie.api.delete(f"/user/api-keys/{pk}").status_code == 404, pk
    assert alice.api.get("/user/balance").status_code == 200
