"""Terms above what one operator may do alone are not in force until a second person approves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.permissions import PermissionMissingError
from accounts.tests.factories import logged_in, member_of, operator
from gatewayz.tests.list_actions import text
from payments.tests.at_once import at_once
from referrals import terms
from referrals.models import Program
from referrals.terms import approve_terms, reject_terms
from referrals.tests.factories import ProgramFactory
from referrals.tests.test_adding_terms import NOW, add
from referrals.tests.test_page_of_terms import page_of
from referrals.tests.test_terms_pages import ADD, CONFIRM, DRAFT, HISTORY, withdraw

WEEK = timedelta(days=7)

pytestmark = pytest.mark.django_db


def approve(added: Program, *, by: str = "frank", now: datetime = NOW) -> Program:
    return approve_terms(added.pk, by=member_of("Finance", by), note="Agreed", now=now)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"budget": Decimal("100.00")}, "approved"),
        ({"budget": Decimal("100.01")}, "waiting"),
        ({"budget": None}, "waiting"),
        ({"referee_bonus": Decimal("5.01")}, "waiting"),
        ({"minimum_purchase": Decimal("9.99")}, "waiting"),
    ],
)
def test_a_second_person_is_needed_for_more_than_one_may_spend(
    changes: dict[str, Any], status: str
) -> None:
    assert add(**changes).status == status


def test_the_budgets_of_one_operator_add_up_over_a_day_and_a_superuser_is_no_second_person() -> (
    None
):
    olivia = member_of("Finance", "olivia")
    olivia.is_superuser = True
    olivia.save()

    found = [
        add(budget=Decimal("60.00")).status,
        add(budget=Decimal("40.01"), starts_at=NOW + WEEK).status,
        add(budget=Decimal("40.01"), starts_at=NOW + 2 * WEEK, by=member_of("Finance")).status,
        add(budget=None, starts_at=NOW + 3 * WEEK, by=olivia).status,
    ]

    assert found == ["approved", "waiting", "approved", "waiting"]


@pytest.mark.django_db(transaction=True)
def test_the_budgets_of_one_operator_add_up_at_once() -> None:
    starts = [NOW + n * WEEK for n in range(4)]
    member_of("Finance", "rita")

    found = at_once(*(partial(add, budget=Decimal("60.00"), starts_at=start) for start in starts))

    assert sorted(one.status for one in found) == ["approved", "waiting", "waiting", "waiting"]


@pytest.mark.parametrize(("approved_after", "start"), [(timedelta(), WEEK), (2 * WEEK, 2 * WEEK)])
def test_terms_are_approved_once_and_start_when_planned_or_else_when_approved(
    approved_after: timedelta, start: timedelta
) -> None:
    added = add(budget=None, starts_at=NOW + WEEK)
    while_waiting = Program.objects.at(NOW + 2 * WEEK).get()

    with pytest.raises(audit.ReasonMissingError):
        approve_terms(added.pk, by=member_of("Finance"), note=" ", now=NOW)
    approved = approve(added, now=NOW + approved_after)
    with pytest.raises(terms.TermsNotWaitingError):
        reject_terms(added.pk, by=member_of("Finance", "fred"), note="No", now=NOW)

    approved.refresh_from_db()
    assert while_waiting != added
    assert (approved.status, approved.starts_at) == ("approved", NOW + start)
    assert (str(approved.decided_by), approved.decision_note) == ("frank", "Agreed")
    assert Program.objects.at(NOW + start).get() == added
    assert Program.objects.at(NOW + start - timedelta(seconds=1)).get() != added


def test_rejected_terms_never_start_and_free_their_start() -> None:
    added = add(budget=None)
    reject_terms(added.pk, by=member_of("Finance", "frank"), note="Too dear", now=NOW)

    again = add()

    assert Program.objects.at(NOW + WEEK).get() == again
    entry = audit.of(added).latest("pk")
    assert (entry.action, entry.reason, str(entry.by)) == ("reject terms", "Too dear", "frank")
    assert (entry.before["status"], entry.after["status"]) == ("waiting", "rejected")


@pytest.mark.parametrize("decide", [approve_terms, reject_terms])
@pytest.mark.parametrize(
    ("group", "name", "refusal"),
    [
        ("Finance", "rita", terms.OwnTermsError),
        ("Support", "sam", PermissionMissingError),
    ],
)
def test_another_person_who_may_approve_decides(
    decide: Callable[..., Program], group: str, name: str, refusal: type[Exception]
) -> None:
    added = add(budget=None)

    with pytest.raises(refusal):
        decide(added.pk, by=member_of(group, name), note="Mine", now=NOW)

    added.refresh_from_db()
    assert (added.status, added.decided_by) == ("waiting", None)


def test_of_two_terms_approved_at_one_time_one_starts_and_the_other_may_be_withdrawn() -> None:
    first, second = add(budget=None), add(budget=None, starts_at=NOW + timedelta(days=1))
    approve(first, now=NOW + WEEK)

    with pytest.raises(terms.StartTakenError):
        approve(second, now=NOW + WEEK)
    terms.withdraw_terms(second.pk, by=second.requested_by, reason="A slip", now=NOW + WEEK)

    assert not Program.objects.filter(pk=second.pk).exists()


def test_the_page_says_that_terms_wait_and_who_decides(fiona: Client) -> None:
    preview = fiona.post(ADD, DRAFT | {"preview": "yes"})
    answer = fiona.post(ADD, DRAFT | CONFIRM, follow=True)
    waiting = Program.objects.latest("starts_at")

    assert "Waits for another person of Finance" in text(preview)
    assert "they wait for the approval of another person of Finance." in text(answer)
    own, *others = (
        page_of(logged_in(member_of(*who)), waiting)
        for who in (("Finance",), ("Finance", "frank"), ("Support",))
    )
    assert "They wait for the approval" in text(own)
    assert "fiona · add terms · “Winter campaign.”" in text(own)
    offered = [f"{waiting.pk}/approve/" in text(page) for page in (own, *others)]
    assert offered == [False, True, False]
    assert dict(own.context["promises"])["State"] == "waiting"
    assert "set of terms to approve" in text(fiona.get("/admin/"))
    assert "The terms were withdrawn" in text(withdraw(fiona, waiting, reason="A slip."))


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_colleague_decides_on_the_page(fiona: Client, verb: str) -> None:
    fiona.post(ADD, DRAFT | CONFIRM)
    waiting = Program.objects.latest("starts_at")
    frank = logged_in(member_of("Finance", "frank"))

    asked = frank.get(f"{HISTORY}{waiting.pk}/{verb}/")
    answer = frank.post(f"{HISTORY}{waiting.pk}/{verb}/", {"reason": "As planned."}, follow=True)

    assert "1 Jan 2040, 00:00 UTC" in text(asked)
    assert "$15.00" in text(asked)
    promises = dict(answer.context["promises"])
    assert promises["State"] == {"approve": "to come", "reject": "rejected"}[verb]
    assert promises["Decision note"] == "As planned."
    assert f"frank · {verb} terms · “As planned.”" in text(answer)


def test_the_list_is_filtered_by_what_waits(fiona: Client) -> None:
    fiona.post(ADD, DRAFT | CONFIRM)
    ProgramFactory.create(starts_at=timezone.now() + timedelta(days=1))

    found = {
        state: len(fiona.get(HISTORY, {"state": state}).context["cl"].result_list)
        for state in ("waiting", "rejected", "to_come", "in_force", "past")
    }

    assert found == {"waiting": 1, "rejected": 0, "to_come": 1, "in_force": 1, "past": 0}


def test_the_first_terms_of_a_database_need_nobody() -> None:
    first = Program.objects.get()

    assert (first.status, first.budget, first.requested_by) == ("approved", None, None)
    assert first.starts_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert operator().get(HISTORY).status_code == 200
