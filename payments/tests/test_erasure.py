"""An erased person leaves no trace of name and address in any table, and the books stay."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone
from psycopg import sql

from accounts import advisory_locks, people
from accounts.models import AuditEntry, LedgerEntry, User
from accounts.permissions import PermissionMissingError
from accounts.tests.factories import Person, give, member_of, register
from payments import email_causes, erasure, tasks
from payments.event_redaction import ERASED, redacted
from payments.models import Payment, StripeEvent
from payments.reports.invariants import breaches
from payments.tests.at_once import another_transaction, execute
from payments.tests.stripe_events import (
    deliver,
    dispute,
    envelope,
    event,
    failed_event,
    pending_payment,
    report,
    settle,
)
from referrals import attribution

NAME = "Zebedee.Quuxworth"
EMAIL = "Zeb.Quuxworth@Example.com"
PAYER = {
    "name": "Zebedee Quuxworth",
    "email": EMAIL,
    "phone": "+1 555 0199",
    "address": {"line1": "Q 1"},
}


def traces(*words: str) -> list[str]:
    """Return each column of any table in which one of these words is, in any case."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name, column_name, data_type FROM information_schema.columns
               WHERE table_schema = current_schema() AND data_type IN
               ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY')"""
        )
        for table, column, kind in cursor.fetchall():
            text = "encode({}, 'escape')" if kind == "bytea" else "{}::text"
            count = sql.SQL("SELECT count(*) FROM {} WHERE {} ILIKE %s").format(
                sql.Identifier(table), sql.SQL(text).format(sql.Identifier(column))
            )
            for word in words:
                cursor.execute(count, [f"%{word}%"])
                if cursor.fetchone() != (0,):
                    found.append(f"{word} in {table}.{column}")
    return found


@pytest.fixture
def zebedee(alice: Person) -> Person:
    made = attribution.register(
        username=NAME,
        email=EMAIL,
        auth_method="email",
        invitation=alice.code,
        address="192.0.2.7",
        now=timezone.now(),
    )
    return Person(made.user, made.api_key)


def erase(person: Person) -> User:
    return erase_by(person.user, person.user)


def erase_by(person: User, by: User) -> User:
    return erasure.erase(
        person, by=by, confirmed=person.username, reason="They asked", now=timezone.now()
    )


def live(person: Person) -> None:
    """Buy, invite, be refunded, be adjusted, be edited: whatever leaves a row."""
    sent = event(pending_payment(person.user), customer_details=PAYER, customer_email=EMAIL)
    assert deliver(sent).json()["outcome"] == "settled"
    settle(register("friend", code=person.code).user)
    payment = Payment.objects.filter(user=person.user).get()
    deliver(dispute(payment, 100) | {"evidence": {"customer_name": "Zebedee.Quuxworth"}})
    deliver(envelope("customer.created", {"id": "cus_1", "object": "customer", **PAYER}))
    Payment.objects.filter(user=person.user).update(
        success_url=f"https://x.example/?to={EMAIL}", idempotency_key=NAME
    )
    give(person, "5.00", category="fraud")
    person.api.post("/user/api-keys", {"name": f"{NAME}'s laptop"}, format="json")
    now, admin = timezone.now(), member_of("Finance")
    for change in (people.deactivate, people.reactivate):
        change(person.user, by=admin, reason="A question", now=now)
    email_causes.queue_new(now=now)


def test_no_table_has_a_trace(zebedee: Person) -> None:
    live(zebedee)
    words = ("zebedee", "quuxworth", "192.0.2.7", "555 0199", "zeb.")
    assert len(traces(*words)) > 8

    erased = erase(zebedee)

    assert traces(*words) == []
    assert (erased.username, erased.signup_address, erased.mailbox) == (
        f"erased #{erased.pk}",
        "",
        None,
    )
    assert breaches() == []
    assert str(LedgerEntry.objects.filter(user=erased).latest("pk").balance_after) == str(
        erased.credits
    )


def test_the_own_name_confirms_and_the_person_is_out_and_the_friend_of_nobody_by_name(
    alice: Person, zebedee: Person
) -> None:
    settle(zebedee.user)
    bodies: list[dict[str, Any]] = [{}, {"username": NAME.lower()}, {"username": None}, {"a": 1}]
    for body in bodies:
        refused = zebedee.api.post("/user/erase", body, format="json")
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["username"]), body
    assert zebedee.api.get("/user/balance").status_code == 200

    response = zebedee.api.post("/user/erase", {"username": NAME}, format="json")

    assert response.status_code == 200
    assert zebedee.api.get("/user/balance").status_code == 401
    [friend] = alice.api.get("/referral/stats").json()["referrals"]
    assert (friend["username"], friend["status"]) == ("a friend", "completed")
    register(NAME)  # the name is free again


@pytest.mark.django_db(transaction=True)
def test_one_is_erased_at_a_time(zebedee: Person) -> None:
    execute("SET lock_timeout = '50ms'")
    with another_transaction(advisory_locks.LOCK, "erasure"):
        busy = zebedee.api.post("/user/erase", {"username": NAME}, format="json")
    execute("RESET lock_timeout")
    done = zebedee.api.post("/user/erase", {"username": NAME}, format="json")

    assert (busy.status_code, done.status_code) == (503, 200)
    assert busy["Retry-After"]


def test_who_may_not_erases_nobody_and_nobody_is_erased_twice_or_comes_back(
    zebedee: Person, bob: Person
) -> None:
    User.objects.filter(pk=bob.user.pk).update(is_staff=True)
    assert bob.api.post("/user/erase", {"username": "bob"}, format="json").status_code == 409
    with pytest.raises(PermissionMissingError):
        erase_by(zebedee.user, member_of("Support"))
    finance = member_of("Finance")
    erased = erase_by(zebedee.user, finance)

    with pytest.raises(erasure.AlreadyErasedError):
        erase_by(erased, finance)
    with pytest.raises(people.ErasedError):
        people.reactivate(erased, by=finance, reason="Again", now=timezone.now())
    assert AuditEntry.objects.filter(action="erase", by=finance).count() == 1


def test_events_that_arrive_later_or_are_replayed_are_processed_and_redacted(
    zebedee: Person,
) -> None:
    payment = settle(zebedee.user)
    failed = failed_event(pending_payment(zebedee.user))
    erase(zebedee)
    failed.refresh_from_db()
    assert failed.parsed()[ERASED]

    report(payment, "refund 1000")
    late = event(pending_payment(zebedee.user), customer_details=PAYER)
    assert deliver(late).json()["outcome"] == "settled"
    StripeEvent.objects.filter(pk=failed.pk).update(retry_at=timezone.now() - timedelta(hours=1))
    tasks.retry_events.func(0)
    tasks.purge.func(0)

    assert traces("quuxworth") == []
    assert zebedee.balance() == "20.00"


def test_what_is_written_while_a_person_is_erased_goes_at_night(
    zebedee: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    friend = register("friend", code=zebedee.code)
    erase_from_payments = erasure._erase_from_payments

    def then_settle(person: User) -> None:
        erase_from_payments(person)
        settle(friend.user)
        Payment.objects.filter(pk=pending_payment(person).pk).update(idempotency_key=NAME)

    monkeypatch.setattr(erasure, "_erase_from_payments", then_settle)
    erase(zebedee)
    monkeypatch.undo()
    assert len(traces("quuxworth")) == 2

    tasks.purge.func(0)

    assert traces("quuxworth") == []


def test_what_stripe_adds_goes_and_a_second_time_changes_nothing() -> None:
    whole = {
        "id": "evt_1",
        "data": {"object": {"id": "cs_1", "new": {"email": EMAIL}, "l": [EMAIL]}},
    }
    once = redacted(json.dumps(whole).encode())

    assert json.loads(once) == {"id": "evt_1", "data": {"object": {"id": "cs_1"}}, ERASED: True}
    assert redacted(once) == once


def test_the_audit_log_loses_the_name_of_the_erased_alone(
    zebedee: Person, bob: Person, owner: None
) -> None:
    finance = member_of("Finance")
    for person in (zebedee, bob):
        people.deactivate(person.user, by=finance, reason="A reason", now=timezone.now())
    erase(zebedee)
    labels = AuditEntry.objects.filter(action="deactivate").values_list("target_label", flat=True)
    assert sorted(labels) == [f"accounts.user {zebedee.user.pk}", "bob"]

    for change in CHANGES:
        for pk in AuditEntry.objects.values_list("pk", flat=True):
            with pytest.raises(Error, match="append-only"), transaction.atomic():
                execute(change, pk)
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        execute("SELECT erase_from_audit(%s)", bob.user.pk)


CHANGES = (
    "UPDATE audit_entries SET reason = 'Another' WHERE id = %s",
    "UPDATE audit_entries SET target_label = 'x' WHERE id = %s",
    """UPDATE audit_entries SET before = '{"a": 1}' WHERE id = %s""",
    "UPDATE audit_entries SET by_id = NULL, shell_user = 'x' WHERE id = %s",
    "DELETE FROM audit_entries WHERE id = %s",
)


def test_the_export_has_everything_and_no_secret(alice: Person, zebedee: Person) -> None:
    live(zebedee)
    people.update_preferences(User.objects.get(username="friend"), show_to_referrer="initials")

    response = zebedee.api.get("/user/export")
    found = json.loads(response.getvalue())

    assert (found["account"]["username"], found["account"]["email"]) == (
        NAME,
        "Zeb.Quuxworth@example.com",
    )
    assert [row["name"] for row in found["friends"]] == ["F."]
    assert len(found["ledger_entries"]) == zebedee.user.ledger_entries.count()
    assert "555 0199" in found["stripe_events"][0]["body"]
    assert all(found[section] for section in found)
    assert zebedee.api_key not in response.getvalue().decode()
    assert "digest" not in response.getvalue().decode()
    assert "fraud" not in response.getvalue().decode()
