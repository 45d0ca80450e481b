"""Finance replays Stripe's events with a reason, once each; Support may not."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts import audit
from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from gatewayz.adminbase.formatting import page_of
from gatewayz.tests import list_actions
from payments.models import StripeEvent
from payments.tests.stripe_events import (
    event,
    failed_event,
    pending_payment,
    quarantined_event,
    settle,
)
from payments.tests.test_admin_inbox import INBOX, kept


def replay(office: Client, *rows: StripeEvent, reason: str = "It is mended") -> Any:
    """Replay one event on its page, several in the list."""
    if len(rows) == 1:
        return office.post(f"{INBOX}{rows[0].pk}/replay/", {"reason": reason})
    return list_actions.run(office, INBOX, *of_list(rows), reason=reason)


def of_list(rows: Iterable[StripeEvent]) -> tuple[str, list[int]]:
    return "replay_selected", [row.pk for row in rows]


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_several_are_resolved_together_and_each_may_lead_to_an_adjustment(
    finance: Client, bob: Person
) -> None:
    odd = [quarantined_event(pending_payment(bob.user)) for _ in range(2)]
    action = ("resolve_selected", [row.pk for row in odd])

    form = finance.get(f"{INBOX}{odd[0].pk}/adjust/", follow=True).context["form"]
    list_actions.run(finance, INBOX, *action, reason="Paid back at Stripe")

    assert form.initial["user"] == f"#{bob.user.pk}"
    assert form.initial["reason"] == (
        f"The amount of the session is $7.00, but $10.00 in our record ({odd[0].event_id})"
    )
    left = finance.get(INBOX, {"outcome": "needs_someone"}).context["cl"].result_list
    assert list(left) == []
    assert {row.outcome for row in StripeEvent.objects.all()} == {"resolved"}


def test_it_settles_once_what_failed_and_keeps_who_and_why(finance: Client, bob: Person) -> None:
    """A double click is harmless, and an event that left the list in the meantime."""
    broken = failed_event(pending_payment(bob.user))

    first, second = (replay(finance, broken, reason="<b>mended</b>") for _ in range(2))
    filtered = f"{INBOX}?outcome=failed"
    left = list_actions.run(finance, filtered, *of_list([broken]), reason="Again")

    broken.refresh_from_db()
    assert (first.url, messages_of(first)) == (page_of(broken), ["Replayed 1: 1 settled."])
    assert messages_of(second)[-1] == "It was done already, so nothing was done."
    assert messages_of(left)[-1] == (
        "Nothing was done: nothing is selected that this could be done to."
    )
    assert (left["Location"], broken.outcome, bob.balance()) == (filtered, "settled", "20.00")
    came, wished = audit.of(broken)
    assert wished.before["outcome"] == "failed"
    assert {str(wished.by), wished.reason, came.reason} == {"fiona", "<b>mended</b>"}
    assert (wished.action, came.action) == ("replay event", "event replayed")
    assert wished.after == came.before == {"outcome": "received"}
    assert came.after == {"outcome": "settled", "reason": "awarded", "credited": "$10.00"}
    page = finance.get(page_of(broken)).content.decode()
    assert "fiona, when it was failed: “&lt;b&gt;mended&lt;/b&gt;”" in page


def test_many_are_replayed_each_by_itself_and_counted(
    finance: Client, alice: Person, bob: Person, charlie: Person
) -> None:
    settle(bob.user)
    done = StripeEvent.objects.get()
    wrong = kept(event(pending_payment(alice.user), amount_total=999))
    broken = failed_event(pending_payment(charlie.user))

    response = replay(finance, done, wrong, broken)

    counted, trouble, untouched = messages_of(response)
    assert response.url == INBOX
    assert counted == "Replayed 2: 1 quarantined, 1 settled."
    assert wrong.event_id in trouble
    assert "the amount of the session is $9.99, but $10.00 in our record" in trouble
    assert untouched == "1 were done already, so nothing was done."
    came, asked = audit.of(wrong)
    assert (came.reason, asked.reason) == ("It is mended", "It is mended")
    assert came.after.keys() == {"outcome", "reason"}
    assert charlie.balance() == "10.00"
    again = StripeEvent.objects.get(pk=done.pk)
    assert (again.outcome, again.attempts) == ("settled", done.attempts)
    assert (bob.balance(), audit.of(done).count()) == ("20.00", 0)


def test_the_list_asks_for_a_reason_and_comes_back_as_it_was_filtered(
    finance: Client, alice: Person, bob: Person
) -> None:
    broken = [failed_event(pending_payment(person.user)) for person in (alice, bob)]
    filtered = f"{INBOX}?outcome=failed"

    asked = list_actions.ask(finance, filtered, *of_list(broken))
    for reason in ("", "   ", "x" * 501):
        refused = replay(finance, broken[0], reason=reason)
        assert (refused.status_code, list(refused.context["form"].errors)) == (200, ["reason"])
    is_credited = LedgerEntry.objects.exists()
    response = list_actions.run(finance, filtered, *of_list(broken), reason="It is mended")

    assert (asked.status_code, is_credited, LedgerEntry.objects.exists()) == (200, False, True)
    assert all(event.event_id in asked.content.decode() for event in broken)
    assert asked.context["back"] == response["Location"] == filtered


@pytest.mark.parametrize("row", ["x", "1e9", "999999", "9" * 40, "١"])
def test_what_is_not_there_is_no_error(finance: Client, row: str) -> None:
    page = finance.get(f"{INBOX}{row}/replay/")
    sent = {"action": "replay_selected", "_selected_action": row, "answered": "yes"}
    answer = finance.post(INBOX, sent | {"reason": "It is mended"})

    is_number = row.isascii() and row.isdigit()
    assert (page.status_code, answer.status_code) == (404, 302 if is_number else 400)


def test_support_looks_but_does_not_replay(support: Client, bob: Person) -> None:
    broken = failed_event(pending_payment(bob.user))
    page = support.get(page_of(broken)).content.decode()

    answers = [replay(support, broken), support.get(f"{INBOX}{broken.pk}/replay/")]
    list_actions.run(support, INBOX, *of_list([broken]), reason="For fun")

    broken.refresh_from_db()
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "Colleagues of Finance can replay it." in page
    assert (broken.outcome, LedgerEntry.objects.exists()) == ("failed", False)
