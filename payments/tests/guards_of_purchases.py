"""The guards of events and settlements, each with the test that it is missed by."""

import inspect
from typing import Any

from accounts import transactions
from payments import checkout, inbox, settlement, stripe_gateway, webhook
from payments.tests import (
    test_checkout,
    test_inbox,
    test_settlement,
    test_stripe_gateway,
    test_webhook,
)
from payments.tests import test_negative_controls_stories as stories
from payments.tests.guards import NOT_REFUSED, Guard, constraint, line, value

EVENTS = [
    Guard(
        "an event is signed",
        value(stripe_gateway, "verify_signature", lambda body, header: None),
        test_webhook.test_a_tampered_body_is_refused,
        "'quarantined'",
    ),
    Guard(
        "a signature is not kept for later",
        line(
            stripe_gateway.verify_signature,
            "int(signed_at[1]) <= time.time() + SIGNATURE_TOLERANCE_SECONDS",
            "True",
        ),
        test_webhook.test_a_signature_of_another_time_is_refused,
        "'ignored'",
        {"seconds": 86_400},
    ),
    Guard(
        "a signature is of the last five minutes",
        line(stripe_gateway.verify_signature, "secret, SIGNATURE_TOLERANCE_SECONDS", "secret"),
        test_webhook.test_a_signature_of_another_time_is_refused,
        "'ignored'",
        {"seconds": -301},
    ),
    Guard(
        "a large body is not even hashed",
        value(webhook, "MAX_BODY_BYTES", 10**9),
        test_webhook.test_a_body_above_the_limit_is_refused_before_its_signature_is_checked,
        "'ignored'",
    ),
    Guard(
        "an event is of our mode",
        line(
            inbox._event_object, 'envelope.get("livemode") is not settings.STRIPE_LIVEMODE', "False"
        ),
        test_inbox.test_an_event_of_another_mode_is_quarantined,
        "'settled'",
        {"livemode": True},
    ),
    Guard(
        "an event is worked on once",
        line(inbox._process, "if event.processed_at:\n        return event"),
        test_settlement.test_it_changes_nothing_when_the_event_comes_again,
        "'repeated'",
    ),
    Guard(
        "a deadlock is tried again",
        value(transactions, "RETRIES", 0),
        test_inbox.test_a_deadlock_or_a_serialization_failure_is_tried_again_three_times,
        "KeyError: 'outcome'",
        {"errcode": "40P01"},
    ),
    Guard(
        "what is quarantined is rolled back",
        line(
            inbox._handle,
            "result = handler.handle(subject, now=now)",
            "try:\n        result = handler.handle(subject, now=now)\n"
            "    except QuarantinedError:\n"
            "        return _finish(event, Outcome.QUARANTINED, now=now)",
        ),
        stories.test_what_is_quarantined_halfway_leaves_nothing_behind,
        "'20.00'",
    ),
]


def misfit(**changes: Any) -> dict[str, Any]:
    """Return what tells the story of an event that does not fit our record."""
    return {"kind": test_settlement.COMPLETED, "misfit": changes}


def held_against_our_record(name: str, changed: dict[str, Any]) -> Guard:
    """Return the guard that is one comparison of a session with our record."""
    lines = inspect.getsource(settlement.lock_payment).splitlines()
    [comparison] = [text.strip() for text in lines if f" session.{name}, " in text]
    return Guard(
        f"a session's {name} is our record's",
        line(settlement.lock_payment, comparison),
        test_settlement.test_a_session_that_contradicts_our_record_is_quarantined,
        "'settled'",
        misfit(**changed),
    )


SETTLEMENT = [
    held_against_our_record("amount", {"amount_total": 1001}),
    held_against_our_record("currency", {"currency": "eur"}),
    held_against_our_record("livemode", {"livemode": True}),
    held_against_our_record("mode", {"mode": "subscription"}),
    *(
        Guard(
            f"the {name} in a session's metadata is our record's",
            line(settlement.lock_payment, comparison),
            test_settlement.test_metadata_that_names_another_is_quarantined,
            "'settled'",
            {"name": name},
        )
        for name, comparison in {
            "user_id": 'require_same("user_id in metadata", session.user_id, str(payment.user_id))',
            "payment_id": 'require_same("payment_id in metadata", session.payment_id, '
            "str(payment.pk))",
        }.items()
    ),
    Guard(
        "a payment that has a session gets no other",
        line(
            settlement._find_by_metadata,
            "payment.session_id not in (None, session.session_id)",
            "False",
        ),
        test_settlement.test_a_session_that_contradicts_our_record_is_quarantined,
        "'settled'",
        misfit(id="cs_test_unknown"),
    ),
    Guard(
        "a session is paid before it is credited",
        line(
            settlement.settle_purchase,
            'require_same("payment_status", session.payment_status, "paid")',
        ),
        test_settlement.test_a_session_that_contradicts_our_record_is_quarantined,
        "'settled'",
        misfit(payment_status="no_payment_required"),
    ),
    Guard(
        "what is paid names the payment_intent that refunds are found by",
        line(settlement.settle_purchase, "session.payment_intent_id is None", "False"),
        test_settlement.test_a_session_that_contradicts_our_record_is_quarantined,
        "'settled'",
        misfit(payment_intent=None),
    ),
    Guard(
        "a payment_intent pays for one purchase",
        constraint("payments", "payments_payment_intent_id_key"),
        test_settlement.test_a_payment_intent_of_another_purchase_is_quarantined,
        "'settled'",
    ),
    Guard(
        "a session is settled once",
        line(settlement.settle_purchase, "payment.status == Payment.Status.PAID", "False"),
        test_settlement.test_two_events_of_one_session_settle_it_once,
        "['settled', 'settled']",
    ),
    Guard(
        "what is paid stays paid",
        line(settlement._close, "payment.status in (", "payment.status in () and ("),
        test_settlement.test_a_paid_payment_stays_paid,
        "KeyError: 'outcome'",
        {"kind": test_settlement.EXPIRED},
    ),
    Guard(
        "a paid payment is credited",
        constraint("payments", "payments_paid_means_credited"),
        stories.test_the_database_refuses_a_payment_that_cannot_be,
        NOT_REFUSED,
        {"change": {"ledger_entry": None}, "constraint": "payments_paid_means_credited"},
    ),
    Guard(
        "the database has no purchase in another currency",
        constraint("payments", "payments_in_us_dollars"),
        stories.test_the_database_refuses_a_payment_that_cannot_be,
        NOT_REFUSED,
        {"change": {"currency": "eur"}, "constraint": "payments_in_us_dollars"},
    ),
    Guard(
        "one Idempotency-Key is one purchase",
        line(checkout.record, "idempotency_key is None", "True"),
        test_checkout.test_two_requests_with_one_key_make_one_payment_and_one_session,
        "payment_id",
    ),
    Guard(
        "one Idempotency-Key does not name two purchases",
        line(checkout.record, "raise IdempotencyKeyReusedError"),
        test_checkout.test_a_key_cannot_be_used_for_two_purchases,
        "KeyError: 'code'",
        {"change": {"amount": 2000}},
    ),
    Guard(
        "one Idempotency-Key is one purchase, also at once",
        constraint("payments", "payments_asked_for_once"),
        stories.test_the_database_refuses_a_second_purchase_of_one_key,
        NOT_REFUSED,
    ),
    Guard(
        "Stripe knows a payment of ours again",
        line(stripe_gateway.create_checkout_session, 'f"payment:{payment_id}"', "None"),
        test_stripe_gateway.test_it_sends_the_payment_id_as_the_idempotency_key,
        "== ['payment:7'",
    ),
]
