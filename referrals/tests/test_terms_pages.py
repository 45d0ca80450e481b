"""The pages of the terms: drafted, simulated, added once with a reason, and withdrawn in time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import Person, colleague
from gatewayz.tests.list_actions import text
from payments.tests.at_once import at_once
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


def test_the_history_shows_states_and_what_is_left_of_the_budget(
    fiona: Client, alice: Person
) -> None:
    ProgramFactory.create(budget=Decimal(50))
    ProgramFactory.create(is_future=True, **ALONE)
    refer(alice, 2)

    page = fiona.get(HISTORY)

    states = [page.context["cl"].model_admin.state(row) for row in page.context["cl"].result_list]
    assert states == ["to come", "in force", "past"]
    assert text(page).count(">Withdraw</a>") == 1
    assert "<strong>$10.00</strong> of $50.00 left" in text(page)
    assert "The budget is spent" in text(page)


def test_the_history_is_a_few_queries(fiona: Client, django_assert_max_num_queries: Any) -> None:
    for days in range(1, 6):
        ProgramFactory.create(starts_at=timezone.now() + timedelta(days=days))

    with django_assert_max_num_queries(9):
        fiona.get(HISTORY)


def test_the_next_terms_begin_as_those_in_force_tomorrow(fiona: Client) -> None:
    initial = fiona.get(ADD).context["form"].initial

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    assert (initial["starts_at"].date(), initial["starts_at"].hour) == (tomorrow, 0)
    assert (initial["referrer_bonus"], initial["max_uses"]) == (Decimal(10), 10)


def test_with_later_terms_planned_the_next_begin_as_the_last_of_them(fiona: Client) -> None:
    planned = datetime(2040, 1, 1, 12, tzinfo=UTC)
    ProgramFactory.create(starts_at=planned, max_uses=25)
    ProgramFactory.create(starts_at=planned + timedelta(days=9), max_uses=99, status="rejected")

    initial = fiona.get(ADD).context["form"].initial

    assert (initial["max_uses"], initial["starts_at"]) == (25, datetime(2040, 1, 2, tzinfo=UTC))


def test_a_draft_is_compared_with_the_terms_of_today(fiona: Client) -> None:
    ProgramFactory.create(starts_at=datetime(2039, 1, 1, tzinfo=UTC), max_uses=99)

    changes = fiona.post(ADD, DRAFT | PREVIEW).context["changes"]

    uses = next(change for change in changes if change["name"] == "Uses of one code")
    assert (uses["today"], uses["after"], uses["is_changed"]) == ("10", "25", True)


def test_a_draft_is_simulated_and_not_saved(fiona: Client, alice: Person) -> None:
    refer(alice, 2)
    draft = DRAFT | PREVIEW | {"minimum_purchase": "10.00"}

    page, fewer_uses = fiona.post(ADD, draft), fiona.post(ADD, draft | {"max_uses": "1"})

    assert Program.objects.count() == 1
    assert page.context["sums"]["rows"][-1] == ["In all", "$40.00", "$40.00", "–"]
    [[name, *amounts]] = page.context["people"]["rows"]
    assert f'href="/admin/accounts/user/{alice.user.pk}/change/">alice</a>' in name
    assert amounts == ["2", "$40.00", "–"]
    changed = fewer_uses.context["people"]["rows"][0]
    assert changed[1:] == ["2 → 1", "$40.00 → $20.00", "-$20.00"]


def test_a_simulation_says_when_the_budget_ends(fiona: Client, alice: Person) -> None:
    refer(alice, 3)

    page = fiona.post(ADD, DRAFT | PREVIEW | {"minimum_purchase": "10.00", "budget": "50.00"})

    assert "The budget would have been spent after less than a day" in text(page)


def test_a_draft_that_is_confirmed_is_added_once_with_its_reason(fiona: Client) -> None:
    response = fiona.post(ADD, DRAFT | CONFIRM)
    again = fiona.post(ADD, DRAFT | CONFIRM, follow=True)

    assert response.headers["Location"] == HISTORY
    assert "These terms were added already." in text(again)
    terms = Program.objects.latest("starts_at")
    assert (terms.starts_at, terms.max_uses) == (datetime(2040, 1, 1, tzinfo=UTC), 25)
    assert Program.objects.count() == 2
    entry = AuditEntry.objects.get()
    assert (str(entry.by), entry.action) == ("fiona", "add terms")
    assert entry.reason == "Winter campaign."


def test_a_draft_can_be_changed_after_the_simulation(fiona: Client) -> None:
    page = fiona.post(ADD, DRAFT | {"edit": "yes"})

    assert page.templates[0].name == "admin/referrals/program/draft.html"
    assert 'value="15.00"' in text(page)


def test_terms_are_not_added_without_a_reason(fiona: Client) -> None:
    page = fiona.post(ADD, DRAFT | {"add": "yes", "reason": " "})

    assert page.context["form"].errors == {"reason": ["This field is required."]}
    assert Program.objects.count() == 1


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

    pages = [text(withdraw(fiona, terms, reason="A slip.")) for _ in range(2)]

    assert "The terms were withdrawn" in pages[0]
    assert "these terms were withdrawn already." in pages[1]
    assert Program.objects.count() == 1
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("withdraw terms", "A slip.")
    assert entry.before["max_uses"] == 10


def test_terms_are_not_withdrawn_without_a_reason(fiona: Client) -> None:
    page = withdraw(fiona, ProgramFactory.create(is_future=True), reason="")

    assert page.context["form"].errors == {"reason": ["This field is required."]}
    assert Program.objects.count() == 2


def test_what_two_people_decided_one_does_not_withdraw(fiona: Client) -> None:
    page = withdraw(fiona, ProgramFactory.create(is_future=True), reason="Alone.")

    assert "a second person decided on them" in text(page)
    assert (Program.objects.count(), AuditEntry.objects.count()) == (2, 0)


def test_terms_that_have_started_stay(fiona: Client) -> None:
    page = withdraw(fiona, Program.objects.get(), reason="Too late.")

    assert "Nothing was done: terms" in text(page)
    assert "have started" in text(page)
    assert (Program.objects.count(), AuditEntry.objects.count()) == (1, 0)


def test_support_sees_the_history_and_adds_nothing(db: None) -> None:
    sam, terms = colleague("Support"), ProgramFactory.create(is_future=True)

    pages = [sam.get(HISTORY), sam.get(ADD), sam.post(ADD, DRAFT | CONFIRM)]
    withdrawn = withdraw(sam, terms, reason="I may not.")

    assert [page.status_code for page in pages] == [200, 403, 403]
    assert not any(button in text(pages[0]) for button in ("Withdraw", "Next terms"))
    assert (withdrawn.status_code, Program.objects.count()) == (403, 2)


@pytest.mark.django_db(transaction=True)
def test_confirmed_at_once_they_are_added_once(fiona: Client) -> None:
    answers = at_once(*[partial(fiona.post, ADD, DRAFT | CONFIRM)] * 6)

    assert {answer.status_code for answer in answers} == {302}
    assert (Program.objects.count(), AuditEntry.objects.count()) == (2, 1)
