"""A claim at the same moment as a purchase settles, or as another claim: one of both is first."""

from functools import partial

import pytest
from django.db import connection

from accounts.tests.factories import Person, register
from accounts.tests.roles import as_owner
from payments.models import Payment
from payments.tests.at_once import (
    another_transaction,
    at_once,
    execute,
    in_background,
    wait_until_blocked,
)
from payments.tests.guards import change_sql
from payments.tests.stripe_events import deliver, event, pending_payment
from referrals.tests.test_claims import claim

pytestmark = pytest.mark.django_db(transaction=True)

CLAIM = "UPDATE users SET referred_by_code = %s, claimed_at = now() WHERE id = %s"


def settle_during_the_claim(alice: Person, charlie: Person) -> str:
    """Let the settlement wait for the claim, and return its decision."""
    payment = pending_payment(charlie.user)
    with (
        another_transaction(CLAIM, alice.code, charlie.user.pk) as claiming,
        in_background(partial(deliver, event(payment))) as delivery,
    ):
        wait_until_blocked()
        claiming.commit()
    assert delivery.result().json()["outcome"] == "settled"
    payment.refresh_from_db()
    return payment.bonus_decision


def test_a_settlement_that_waited_for_the_claim_pays_the_bonus(
    alice: Person, charlie: Person
) -> None:
    assert settle_during_the_claim(alice, charlie) == "awarded"
    assert (alice.balance(), charlie.balance()) == ("10.00", "20.00")


@pytest.mark.negative_control
def test_without_a_second_look_it_finds_no_referrer(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = "buyer.referred_by_code IS DISTINCT FROM"
    change_sql(monkeypatch, (look, f"false AND {look}"))

    assert settle_during_the_claim(alice, charlie) == "referrer_gone"


@pytest.mark.parametrize("attempt", range(5))
def test_a_claim_and_a_settlement_at_once_agree(
    alice: Person, charlie: Person, attempt: int
) -> None:
    payment = pending_payment(charlie.user)

    claimed, delivered = at_once(
        partial(claim, charlie, alice.code), partial(deliver, event(payment))
    )

    assert delivered.status_code == 200
    decision = Payment.objects.get().bonus_decision
    assert (claimed.status_code, decision, alice.balance()) in [
        (200, "awarded", "10.00"),
        (409, "not_referred", "0.00"),
    ]


def test_of_claims_at_once_one_is_made(alice: Person, charlie: Person) -> None:
    codes = [alice.code, *(register(f"inviter{n}").code for n in range(7))]

    answers = at_once(*(partial(claim, charlie, code) for code in codes))

    charlie.user.refresh_from_db()
    assert [answer.status_code for answer in answers].count(409) == 7
    [made] = [answer.json() for answer in answers if answer.status_code == 200]
    assert made["referred_by_code"] == charlie.user.referred_by_code


def test_two_who_claim_each_others_codes_at_once_make_no_ring(
    alice: Person, charlie: Person
) -> None:
    with (
        another_transaction(CLAIM, charlie.code, alice.user.pk) as claiming,
        in_background(partial(claim, charlie, alice.code)) as second,
    ):
        wait_until_blocked()
        claiming.commit()

    answer = second.result().json()
    assert answer["referred_by_code"] is None
    assert "came by your invitation" in answer["referral"]["reason"]


@pytest.mark.negative_control
def test_without_its_lock_they_make_a_ring(alice: Person, charlie: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('users_check_attribution()'::regprocedure)")
        [(function,)] = cursor.fetchall()
    lock = "PERFORM pg_advisory_xact_lock"
    assert lock in function
    with as_owner():
        execute(function.replace(lock, "PERFORM pg_try_advisory_xact_lock"))
    try:
        with another_transaction(CLAIM, charlie.code, alice.user.pk) as claiming:
            second = claim(charlie, alice.code).json()
            claiming.commit()
    finally:
        with as_owner():
            execute(function)

    alice.user.refresh_from_db()
    assert (alice.user.referred_by_code, second["referred_by_code"]) == (charlie.code, alice.code)
