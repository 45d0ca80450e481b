"""The pages of the terms: drafted, simulated, added once with a reason, and withdrawn in time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry
from accounts.tests.factories import Person, colleague
from gatewayz.tests.list_actions import text
from payments.tests.stripe_events import refer
from referrals.models import Program
from referrals.tests.factories import ProgramFactory

HISTORY = "/admin/referrals/program/"
ADD = f"{HISTORY}add/"
DRAFT = {
    "starts_at_0": "2040-01-01",
    "starts_at_1": "00:00:00",
    "referrer_bonus": "15.00",
    "referee_bonus": "5.00",
    "minimum_purchase": "20.00",
    "max_uses": "25",
    "budget": "",
    "offer_days": "90",
    "code_length": "8",
}
PREVIEW, CONFIRM = {"preview": "yes"}, {"add": "yes", "reason": "Winter campaign."}


# Terms that are within what one operator may spend alone.
ALONE: dict[str, Any] = {
    "budget": Decimal(50),
    "decided_by": None,
    "decided_at": None,
    "decision_note": "",
}


def test_the_history_shows_states_what_is_left_of_the_budget_and_to_finance_its_buttons(
    fiona: Client, alice: Person, django_assert_max_num_queries: Any
) -> None:
    ProgramFactory.create(budget=Decimal(50))
    ProgramFactory.create(is_future=True, **ALONE)
    refer(alice, 2)

    with django_assert_max_num_queries(9):
        page = fiona.get(HISTORY)

    states = [page.context["cl"].model_admin.state(row) for row in page.context["cl"].result_list]
    assert states == ["to come", "in force", "past"]
    assert text(page).count(">Withdraw</a>") == 1
    assert "<strong>$10.00</strong> of $50.00 left" in text(page)
    assert "The budget is spent" in text(page)
    of_support = text(colleague("Support").get(HISTORY))
    assert "in force" in of_support
    assert not any(button in of_support for button in ("Withdraw", "Next terms"))


def test_the_next_terms_begin_a_day_after_the_last_that_are_planned_or_after_today(
    fiona: Client,
) -> None:
    first = fiona.get(ADD).context["form"].initial
    planned = datetime(2040, 1, 1, 12, tzinfo=UTC)
    ProgramFactory.create(starts_at=planned, max_uses=25)
    ProgramFactory.create(starts_at=planned + timedelta(days=9), max_uses=99, status="rejected")

    later = fiona.get(ADD).context["form"].initial

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    assert (first["starts_at"].date(), first["starts_at"].hour) == (tomorrow, 0)
    assert (first["referrer_bonus"], first["max_uses"]) == (Decimal(10), 10)
    assert (later["max_uses"], later["starts_at"]) == (25, datetime(2040, 1, 2, tzinfo=UTC))


def test_a_draft_is_compared_with_the_terms_of_today(fiona: Client) -> None:
    ProgramFactory.create(starts_at=datetime(2039, 1, 1, tzinfo=UTC), max_uses=99)

    changes = fiona.post(ADD, DRAFT | PREVIEW).context["changes"]

    uses = next(change for change in changes if change["name"] == "Uses of one code")
    assert (uses["today"], uses["after"], uses["is_changed"]) == ("10", "25", True)


def test_a_draft_is_simulated_and_not_saved(fiona: Client, alice: Person) -> None:
    refer(alice, 3)
    draft = DRAFT | {"minimum_purchase": "10.00"}

    page, fewer_uses, less = (
        fiona.post(ADD, draft | PREVIEW | change)
        for change in ({}, {"max_uses": "1"}, {"budget": "50.00"})
    )
    changed = fiona.post(ADD, draft | {"edit": "yes"})

    assert Program.objects.count() == 1
    assert page.context["sums"]["rows"][-1] == ["In all", "$60.00", "$60.00", "–"]
    [[name, *amounts]] = page.context["people"]["rows"]
    assert f'href="/admin/accounts/user/{alice.user.pk}/change/">alice</a>' in name
    assert amounts == ["3", "$60.00", "–"]
    [[_, *amounts]] = fewer_uses.context["people"]["rows"]
    assert amounts == ["3 → 1", "$60.00 → $20.00", "-$40.00"]
    assert "The budget would have been spent after less than a day" in text(less)
    assert changed.templates[0].name == "admin/referrals/program/draft.html"
    assert 'value="15.00"' in text(changed)


def test_a_draft_that_is_confirmed_is_added_once_with_its_reason(fiona: Client) -> None:
    unexplained = fiona.post(ADD, DRAFT | CONFIRM | {"reason": " "})
    before = Program.objects.count()
    response = fiona.post(ADD, DRAFT | CONFIRM)
    again = fiona.post(ADD, DRAFT | CONFIRM, follow=True)

    assert unexplained.context["form"].errors == {"reason": ["This field is required."]}
    assert response.headers["Location"] == HISTORY
    assert "These terms were added already." in text(again)
    terms = Program.objects.latest("starts_at")
    assert (terms.starts_at, terms.max_uses) == (datetime(2040, 1, 1, tzinfo=UTC), 25)
    assert (before, Program.objects.count()) == (1, 2)
    entry = AuditEntry.objects.get()
    assert (str(entry.by), entry.action) == ("fiona", "add terms")
    assert entry.reason == "Winter campaign."


WRONG = [
    ({"referrer_bonus": "0"}, "referrer_bonus"),
    ({"referee_bonus": "NaN"}, "referee_bonus"),
    ({"minimum_purchase": "10.001"}, "minimum_purchase"),
    ({"max_uses": "0"}, "max_uses"),
    ({"code_length": "5"}, "code_length"),
    ({"offer_days": "0"}, "offer_days"),
    ({"budget": "-1"}, "budget"),
    ({"starts_at_0": "2020-01-01"}, "starts_at"),
    ({"starts_at_1": ""}, "starts_at"),
]


@pytest.mark.parametrize("step", [PREVIEW, CONFIRM])
def test_an_error_names_its_field(fiona: Client, step: dict[str, str]) -> None:
    for changes, field in WRONG:
        page = fiona.post(ADD, DRAFT | changes | step)

        assert list(page.context["form"].errors) == [field]
    assert Program.objects.count() == 1


@pytest.mark.parametrize("step", [PREVIEW, CONFIRM])
def test_other_terms_cannot_start_at_the_same_moment(fiona: Client, step: dict[str, str]) -> None:
    ProgramFactory.create(starts_at=datetime(2040, 1, 1, tzinfo=UTC))

    page = fiona.post(ADD, DRAFT | step)

    assert "Other terms start at exactly this time." in text(page)
    assert Program.objects.count() == 2


def withdraw(client: Client, terms: Program, **answers: str) -> Any:
    return client.post(f"{HISTORY}{terms.pk}/withdraw/", answers, follow=True)


def test_terms_to_come_are_withdrawn_once_with_a_reason(fiona: Client) -> None:
    terms = ProgramFactory.create(is_future=True, **ALONE)

    unexplained = withdraw(fiona, terms, reason="")
    before = Program.objects.count()
    pages = [text(withdraw(fiona, terms, reason="A slip.")) for _ in range(2)]

    assert unexplained.context["form"].errors == {"reason": ["This field is required."]}
    assert "The terms were withdrawn" in pages[0]
    assert "these terms were withdrawn already." in pages[1]
    assert (before, Program.objects.count()) == (2, 1)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("withdraw terms", "A slip.")
    assert entry.before["max_uses"] == 10


def test_what_two_people_decided_or_has_started_is_not_withdrawn(fiona: Client) -> None:
    for terms in (ProgramFactory.create(is_future=True), Program.objects.earliest("starts_at")):
        page = text(withdraw(fiona, terms, reason="Alone."))

        assert "Nothing was done: terms" in page
        assert "have started, or a second person decided on them" in page
    assert (Program.objects.count(), AuditEntry.objects.count()) == (2, 0)
