"""The inbox stores every event as it arrived, processes it once, and records its errors."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from payments.models import StripeEvent
from payments.tests.stripe_events import deliver, envelope, event, pending_payment, send

ODD_TEXTS = ["\x00", "a\x00b", float("nan"), float("inf"), -float("inf"), "\ud800", "\udfff\ud800"]


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def broken(alice: Person) -> Callable[..., None]:
    """Make the database refuse the next insertions into the ledger with the given error."""

    def break_off(errcode: str, *, times: int) -> None:
        run(
            # What a sequence gave is not taken back when the transaction is.
            "CREATE SEQUENCE insertions",
            f"""CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('insertions') <= {times} THEN
                    RAISE EXCEPTION 'broken off' USING ERRCODE = '{errcode}';
                END IF;
                RETURN NEW;
            END $$""",
            """CREATE TRIGGER break_off BEFORE INSERT ON ledger_entries
            FOR EACH ROW EXECUTE FUNCTION break_off()""",
        )

    return break_off


def test_an_event_is_kept_byte_for_byte(db: None) -> None:
    body = json.dumps(envelope("customer.created", {"name": "Zoë"}), indent=3).encode()

    send(body)

    assert bytes(StripeEvent.objects.get().body) == body


@pytest.mark.parametrize("kind", ["customer.created", "invoice.paid", "v1.billing.no_such_thing"])
def test_a_type_that_we_do_not_handle_is_stored_as_ignored(db: None, kind: str) -> None:
    response = deliver(envelope(kind, {"id": "cus_1"}))

    kept = StripeEvent.objects.get()
    assert (response.status_code, response.json()["outcome"]) == (200, "ignored")
    assert (kept.event_type, kept.outcome, kept.attempts) == (kind, "ignored", 1)
    assert kept.processed_at


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=ascii)
def test_json_that_jsonb_refuses_settles_once(alice: Person, odd: Any) -> None:
    paid = event(pending_payment(alice.user), customer_details={"name": odd}, description=odd)

    answers = [deliver(paid) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert alice.balance() == "10.00"
    assert StripeEvent.objects.count() == 1


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=ascii)
@pytest.mark.parametrize(
    "field",
    [
        "id",
        "mode",
        "payment_status",
        "amount_total",
        "currency",
        "payment_intent",
        "metadata",
        "expires_at",
    ],
)
def test_odd_text_in_a_field_is_never_an_error(alice: Person, field: str, odd: Any) -> None:
    response = deliver(event(pending_payment(alice.user), **{field: odd}))

    assert response.status_code == 200
    assert response.json()["outcome"] in {"quarantined", "settled"}


def test_an_event_is_linked_to_its_payment(alice: Person) -> None:
    payment = pending_payment(alice.user)

    deliver(event(payment))

    assert StripeEvent.objects.get().payment == payment


@pytest.mark.parametrize("livemode", [True, None, "false", 0])
def test_an_event_of_another_mode_is_quarantined(alice: Person, livemode: object) -> None:
    response = deliver(event(pending_payment(alice.user)) | {"livemode": livemode})

    kept = StripeEvent.objects.get()
    assert (response.status_code, response.json()["outcome"]) == (200, "quarantined")
    assert kept.reason.startswith("livemode")
    assert alice.balance() == "0.00"


def test_a_live_deployment_quarantines_test_events(alice: Person, settings: Any) -> None:
    settings.STRIPE_LIVEMODE = True

    response = deliver(event(pending_payment(alice.user)))

    assert response.json()["outcome"] == "quarantined"
    assert alice.balance() == "0.00"


@pytest.mark.parametrize(
    "field",
    ["id", "mode", "payment_status", "amount_total", "currency", "livemode", "expires_at"],
)
def test_a_session_that_lacks_a_field_is_quarantined(alice: Person, field: str) -> None:
    incomplete = event(pending_payment(alice.user))
    del incomplete["data"]["object"][field]

    response = deliver(incomplete)

    assert (response.status_code, response.json()["outcome"]) == (200, "quarantined")
    assert field in StripeEvent.objects.get().reason
    assert alice.balance() == "0.00"


@pytest.mark.parametrize(
    "data", [None, [], "cs_test_1", {}, {"object": None}, {"object": []}, {"object": "cs_test_1"}]
)
def test_an_event_without_an_object_is_quarantined(alice: Person, data: object) -> None:
    response = deliver(event(pending_payment(alice.user)) | {"data": data})

    assert (response.status_code, response.json()["outcome"]) == (200, "quarantined")


def test_an_event_without_data_is_quarantined(alice: Person) -> None:
    bare = event(pending_payment(alice.user))
    del bare["data"]

    assert deliver(bare).json()["outcome"] == "quarantined"


@pytest.mark.parametrize("metadata", [None, {}, [], "text", {"user_id": {}, "payment_id": []}])
def test_a_session_without_our_metadata_is_quarantined(alice: Person, metadata: object) -> None:
    response = deliver(event(pending_payment(alice.user), metadata=metadata))

    assert (response.status_code, response.json()["outcome"]) == (200, "quarantined")
    assert not LedgerEntry.objects.exists()


def test_a_quarantined_event_stays_so_when_it_comes_again(alice: Person) -> None:
    wrong = event(pending_payment(alice.user), amount_total=1)

    outcomes = [deliver(wrong).json()["outcome"] for _ in range(2)]

    assert outcomes == ["quarantined"] * 2
    assert StripeEvent.objects.get().attempts == 1


def test_a_long_reason_is_cut(alice: Person) -> None:
    deliver(event(pending_payment(alice.user), mode="x" * 10_000))

    assert len(StripeEvent.objects.get().reason) == 500


def test_a_failure_is_kept_and_not_answered_with_200(
    alice: Person, bob: Person, broken: Callable[..., None]
) -> None:
    broken("P0001", times=1)

    response = deliver(event(pending_payment(bob.user)))

    kept = StripeEvent.objects.get()
    assert response.status_code >= 500
    assert (kept.outcome, kept.attempts, kept.processed_at) == ("failed", 1, None)
    assert "broken off" in kept.last_error
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")


def test_a_failure_in_the_middle_leaves_nothing_of_the_settlement(
    alice: Person, bob: Person
) -> None:
    run("ALTER TABLE ledger_entries ADD CHECK (kind <> 'referrer_bonus')")
    payment = pending_payment(bob.user)

    response = deliver(event(payment))

    payment.refresh_from_db()
    bob.user.refresh_from_db()
    assert response.status_code == 500
    assert (payment.status, bob.user.has_made_first_purchase) == ("pending", False)
    assert not LedgerEntry.objects.exists()


def test_the_next_delivery_finishes_what_failed(
    alice: Person, bob: Person, broken: Callable[..., None]
) -> None:
    broken("P0001", times=2)
    paid = event(pending_payment(bob.user))

    statuses = [deliver(paid).status_code for _ in range(3)]

    kept = StripeEvent.objects.get()
    assert (statuses[0] >= 500, statuses[1] >= 500, statuses[2]) == (True, True, 200)
    assert (kept.outcome, kept.attempts, kept.last_error) == ("settled", 3, "")
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


@pytest.mark.parametrize("errcode", ["40P01", "40001"])
def test_a_deadlock_or_a_serialization_failure_is_tried_again_three_times(
    alice: Person, bob: Person, broken: Callable[..., None], errcode: str
) -> None:
    broken(errcode, times=3)

    response = deliver(event(pending_payment(bob.user)))

    assert (response.status_code, response.json()["outcome"]) == (200, "settled")
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def test_after_three_retries_it_answers_503(bob: Person, broken: Callable[..., None]) -> None:
    broken("40P01", times=4)

    response = deliver(event(pending_payment(bob.user)))

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert StripeEvent.objects.get().outcome == "failed"
    assert bob.balance() == "0.00"


def test_a_lock_that_is_held_too_long_is_not_waited_for_again(
    bob: Person, broken: Callable[..., None]
) -> None:
    broken("55P03", times=1)

    response = deliver(event(pending_payment(bob.user)))

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert bob.balance() == "0.00"
