"""API keys are stored as digests, revoked and rotated; `last_used_at` is exact to a minute."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts import api_keys, audit, callers, people
from accounts.models import ApiKey, AuditEntry, User
from accounts.tests.factories import Person, api_with, reviewer
from payments.tests.at_once import refusing

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def dump() -> str:
    """Return every row of every table as text, like a stolen database dump."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def test_a_dump_contains_nothing_that_is_a_valid_key(alice: Person) -> None:
    alice.api.get("/user/balance")
    key = ApiKey.objects.get()

    assert alice.user.username in dump()
    assert alice.api_key.removeprefix("gw_live_")[4:] not in dump()
    for text in (key.digest, key.prefix, f"gw_live_{key.digest[:43]}"):
        assert api_with(text).get("/user/balance").status_code == 401


def test_last_used_at_is_updated_at_most_once_a_minute(alice: Person) -> None:
    seen = []

    for seconds in (0, 30, 59, 61, 90):
        with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
            alice.api.get("/user/balance")
        last_used_at = ApiKey.objects.get().last_used_at
        assert last_used_at
        seen.append((last_used_at - NOW).seconds)

    assert seen == [0, 0, 0, 61, 61]


@pytest.mark.parametrize("text", ["", "gw_live_", "gw_test_" + "x" * 43, "gw_live_" + "é" * 43])
def test_a_malformed_key_costs_no_query(
    db: None, text: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0), pytest.raises(callers.InvalidApiKeyError):
        callers.CALLER.authenticate(text, now=NOW)


def test_a_key_that_its_owner_revokes_is_kept_but_not_listed(alice: Person) -> None:
    api_keys.revoke(alice.user.api_keys.get(), now=NOW)

    assert alice.user.api_keys.count() == 1
    assert not api_keys.valid_keys(alice.user, now=NOW).exists()
    assert not AuditEntry.objects.exists()


def test_an_operator_revokes_a_key_once_with_a_reason(alice: Person) -> None:
    key = alice.user.api_keys.get()

    with pytest.raises(audit.ReasonMissingError):
        api_keys.revoke(key, by=reviewer(), reason=" ", now=NOW)
    assert callers.CALLER.authenticate(alice.api_key, now=NOW) == alice.user
    key.refresh_from_db()
    for now in (NOW, NOW + timedelta(hours=1)):
        api_keys.revoke(key, by=reviewer(), reason="It was posted in a forum", now=now)

    assert ApiKey.objects.get().revoked_at == NOW
    entry = audit.of(key).get()
    assert (entry.action, entry.by) == ("revoke key", reviewer())
    assert (entry.before, entry.after) == ({"revoked_at": None}, {"revoked_at": f"{NOW:%FT%TZ}"})
    assert alice.api_key not in f"{entry.target_label}{entry.after}"


def rotate(person: Person, grace: timedelta = timedelta(days=1)) -> tuple[ApiKey, str]:
    key = person.user.api_keys.order_by("pk")[0]
    return api_keys.rotate(key, by=reviewer(), reason="It is old", now=NOW, grace=grace)


def test_a_key_is_rotated_once_and_valid_until_its_grace_period_ends(alice: Person) -> None:
    new, text = rotate(alice)
    before, after = NOW + timedelta(hours=23), NOW + timedelta(hours=25)

    assert callers.CALLER.authenticate(alice.api_key, now=before) == alice.user
    with pytest.raises(callers.InvalidApiKeyError):
        callers.CALLER.authenticate(alice.api_key, now=after)
    assert callers.CALLER.authenticate(text, now=after) == alice.user
    with pytest.raises(api_keys.KeyNotInUseError):
        rotate(alice)
    assert alice.user.api_keys.count() == 2
    entry = AuditEntry.objects.get()
    assert (entry.after["new_key_id"], entry.after["new_key"]) == (new.pk, text[:12])
    assert text not in str(entry.after)


def revoke(person: Person) -> None:
    key = person.user.api_keys.get()
    api_keys.revoke(key, by=reviewer(), reason="It was posted in a forum", now=NOW)


def issue(person: Person) -> tuple[ApiKey, str]:
    return api_keys.issue(person.user, by=reviewer(), reason="They lost it", now=NOW)


@pytest.mark.parametrize("act", [revoke, rotate, issue])
@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_only_a_superuser_manages_the_key_of_staff(
    alice: Person, act: Callable[[Person], object], flag: str
) -> None:
    alice.change(**{flag: True})

    with pytest.raises(people.SuperuserRequiredError):
        act(alice)

    assert [key.revoked_at for key in ApiKey.objects.filter(user=alice.user)] == [None]
    assert not AuditEntry.objects.exists()
    User.objects.filter(username="rita").update(is_superuser=True)
    act(alice)


def test_who_has_no_key_left_gets_one_of_an_operator_who_says_why(alice: Person) -> None:
    revoke(alice)
    new, text = issue(alice)

    assert callers.CALLER.authenticate(text, now=NOW) == alice.user
    entry = AuditEntry.objects.get(action="issue key")
    assert (entry.target_id, entry.reason, entry.by) == (new.pk, "They lost it", reviewer())
    assert text not in str(entry.after)


def test_not_more_keys_are_issued_than_one_may_have(alice: Person) -> None:
    for _ in range(api_keys.MAX_KEYS - 1):
        issue(alice)

    with pytest.raises(api_keys.TooManyKeysError):
        issue(alice)


def test_no_key_is_issued_to_whom_it_would_not_let_in(alice: Person) -> None:
    alice.change(is_active=False)

    with pytest.raises(api_keys.OwnerDeactivatedError):
        issue(alice)


@pytest.mark.django_db(transaction=True)
def test_a_use_that_cannot_be_written_harms_nobody(alice: Person) -> None:
    with refusing("api_keys", sqlstate="53100", changes="UPDATE"):
        answer = alice.api.get("/user/balance")

    assert answer.status_code == 200
    assert ApiKey.objects.get().last_used_at is None
    alice.api.get("/user/balance")
    assert ApiKey.objects.get().last_used_at
