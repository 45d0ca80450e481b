"""Attacks on the operators' desk, each of which must come to nothing."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, colleague, logged_in, member_of, register
from gatewayz.tests import list_actions
from payments.tests.stripe_events import refer, settle
from referrals import terms
from referrals.models import Program, Referral


@pytest.mark.parametrize("side", ["referrer", "referred_user"])
def test_nobody_releases_the_bonus_that_they_get(held: list[Referral], side: str) -> None:
    referral = held[0]
    name = getattr(referral, side).username
    User.objects.filter(username=name).update(is_staff=True)

    page = list_actions.run(
        logged_in(member_of("Finance", name)),
        "/admin/referrals/referral/",
        "release",
        [referral.pk],
        reason="Looks fine",
    )

    assert "your own bonus" in str(*get_messages(page.wsgi_request))
    referral.refresh_from_db()
    assert referral.status == "held"


CHEAP_PURCHASES = {
    "referrer_bonus": "50",
    "referee_bonus": "50",
    "minimum_purchase": "0.01",
    "max_uses": "30000",
    "budget": "",
    "offer_days": "90",
    "code_length": "8",
    "reason": "Spring",
    "add": "1",
}


def test_one_person_of_finance_does_not_pay_their_friends_by_terms(alice: Person) -> None:
    start = timezone.now() + timedelta(seconds=2)
    when = {"starts_at_0": f"{start:%Y-%m-%d}", "starts_at_1": f"{start:%H:%M:%S}"}
    colleague("Finance").post("/admin/referrals/program/add/", CHEAP_PURCHASES | when)

    with time_machine.travel(start + timedelta(minutes=1)):
        refer(alice, 1)
        before = alice.balance()
        terms.approve_terms(
            Program.objects.latest("pk").pk,
            by=member_of("Finance", "frank"),
            note="We planned it",
            now=timezone.now(),
        )
        settle(register("dave", code=alice.code).user, 1)

    assert (before, alice.balance()) == ("10.00", "60.00")


# What these lists do not show.
ORACLES = [
    "accounts/apikey/?digest__startswith=a",
    "accounts/user/?signup_address__startswith=a",
    "payments/payment/?card_fingerprint__startswith=a",
]


NONSENSE = [
    "accounts/apikey/?name__regex=[",
    "accounts/user/?created_at__year=99999999",
    "accounts/ledgerentry/?kind__exact=%00",
    "accounts/ledgerentry/?amount=1e999999999",
    "accounts/adjustment/?status__exact=%00",
    "accounts/auditentry/?target_type=%00",
    "accounts/auditentry/?target_id=99999999999999999999",
    "accounts/auditentry/?target_id=abc",
    "payments/clawback/?kind__exact=%00",
    "payments/payment/?status__exact=%00",
    "payments/payment/?q=" + 5000 * "1",
    "payments/stripeevent/?body__contains=%00",
    "referrals/referral/?status__exact=%00",
    "referrals/leaderboardentry/export/?id=abc",
    "referrals/leaderboardentry/export/?p=999",
    "autocomplete/?app_label=accounts&model_name=apikey&field_name=user&term=%00",
]


def test_nonsense_in_an_address_is_no_error_and_what_is_hidden_no_filter(db: None) -> None:
    browser = colleague("Finance")
    browser.raise_request_exception = False

    for address in ORACLES:
        assert browser.get(f"/admin/{address}").status_code in (302, 400), address
    for address in NONSENSE:
        with transaction.atomic():
            status = browser.get(f"/admin/{address}").status_code
            transaction.set_rollback(True)

        assert status < 500, address


@pytest.fixture
def olivia(settings: Any, db: None) -> User:
    settings.AXES_FAILURE_LIMIT = 3
    olivia = User(username="olivia", email="olivia@example.com", is_staff=True)
    olivia.set_password("correct horse")
    olivia.save()
    return olivia


def guess(password: str, user_agent: str = "", **more: str) -> Any:
    return Client(raise_request_exception=False).post(
        "/admin/login/",
        {"username": "olivia", "password": password, **more},
        headers={"User-Agent": user_agent},
    )


@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_counted_whatever_the_browser_calls_itself(olivia: User) -> None:
    for _ in range(4):
        guess("wrong", user_agent="a\0b")

    assert guess("correct horse").status_code == 429


def test_who_logs_in_ends_up_at_the_desk_until_the_end_of_the_day_and_no_code_is_kept(
    olivia: User,
) -> None:
    guess("wrong", code="abcd1234")
    kept = AccessAttempt.objects.get().post_data

    answer = guess("correct horse", next="https://evil.example/")

    assert "abcd1234" not in kept
    assert answer["Location"] == "/admin/"
    assert answer.client.session.get_expiry_age() <= 12 * 3600


def test_a_change_of_ones_own_password_is_recorded(olivia: User) -> None:
    browser = logged_in(olivia)
    new = {"new_password1": "battery staple 7", "new_password2": "battery staple 7"}

    browser.post("/admin/password_change/", {"old_password": "correct horse", **new})
    without_reason = AuditEntry.objects.exists()
    why = {"reason": "Somebody looked over my shoulder"}
    browser.post("/admin/password_change/", {"old_password": "correct horse", **new, **why})

    assert not without_reason
    assert AuditEntry.objects.filter(by=olivia, target_id=olivia.pk, **why).exists()
