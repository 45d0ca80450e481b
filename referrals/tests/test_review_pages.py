"""The review queue: looked at by all, decided by Finance, once, with one reason."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import Person, colleague, register
from gatewayz.tests import list_actions
from gatewayz.tests.list_actions import text
from payments.tests.stripe_events import refer, turn
from referrals import review
from referrals.models import Referral

QUEUE = "/admin/referrals/referral/review/"
LIST = "/admin/referrals/referral/"


def decide(
    client: Client,
    verdict: str,
    *referrals: Referral,
    reason: str = "Looked at both.",
    came_from: str = "queue",
) -> Any:
    rows = [referral.pk for referral in referrals]
    return list_actions.run(client, LIST, verdict, rows, **{"reason": reason, "from": came_from})


def shown(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def status(referral: Referral) -> str:
    referral.refresh_from_db()
    return referral.status


def test_the_queue_has_those_that_wait_the_oldest_first_and_since_when(
    fiona: Client, alice: Person
) -> None:
    assert "Nothing waits." in text(fiona.get(QUEUE))
    refer(alice, 3)
    oldest, _, newest = Referral.objects.order_by("completed_at")
    turn(newest, "held")
    held_at = timezone.now() + timedelta(days=3)
    review.hold(oldest.pk, reason="one card on both sides", now=held_at)

    page = fiona.get(QUEUE)

    rows = page.context["rows"]
    assert [row["referral"] for row in rows] == [oldest, newest]
    assert [row["amount"] for row in rows] == ["$10.00 + $10.00"] * 2
    assert rows[0]["since"] == f"{held_at:%-d %b %Y, %H:%M}"
    assert "2 wait for $40.00 in all." in text(page)
    assert f'href="/admin/accounts/user/{alice.user.pk}/change/">alice</a>' in text(page)
    assert "alice<wbr>@example.com" in text(page)
    assert set(json.loads(page.context["pays"]).values()) == {2000}


@pytest.mark.parametrize(
    ("path", "came_from", "then"),
    [("change/?from=queue", "queue", QUEUE), ("change/", "page", "{page}change/")],
)
def test_whoever_voids_goes_back_to_where_they_came_from(
    fiona: Client, alice: Person, held: Referral, path: str, came_from: str, then: str
) -> None:
    page = text(fiona.get(f"{LIST}{held.pk}/{path}"))

    response = decide(fiona, "void", held, came_from=came_from)

    assert f'name="from" value="{came_from}"' in page
    assert 'name="action" value="void"' in page
    assert response.headers["Location"] == then.format(page=f"{LIST}{held.pk}/")
    assert shown(response) == ["Voided 1: alice → bob."]
    assert (status(held), alice.balance()) == ("voided", "0.00")


def test_exactly_what_the_question_shows_is_decided(
    fiona: Client, alice: Person, held: Referral
) -> None:
    """Also of a request for all rows of the list, which may be others when it is answered."""
    sent = {"action": "void", "_selected_action": f"{held.pk}", "from": "queue"}
    page = fiona.post(LIST, sent | {"select_across": "1"})
    [friend] = refer(alice)
    other = Referral.objects.get(referred_user=friend.user)
    turn(other, "held")

    fiona.post(LIST, dict(page.context["sent_on"]) | {"answered": "yes", "reason": "Same"})

    assert page.context["back"] == QUEUE
    assert dict(page.context["sent_on"]) == sent
    assert (status(held), status(other)) == ("voided", "held")


@pytest.mark.parametrize(
    ("verdict", "means", "done"),
    [
        ("release", "Pays $40.00 for 2 referrals, to both sides at once.", "Released 2: alice → "),
        ("void", "Pays nobody: $40.00 for 2 referrals are given up, for good.", "Voided 2: alice "),
    ],
)
def test_it_says_what_it_means_for_whom_and_then_decides_on_all(
    fiona: Client, alice: Person, verdict: str, means: str, done: str
) -> None:
    friends = refer(alice, 2)
    waiting = list(Referral.objects.all())
    for referral in waiting:
        turn(referral, "held")

    page = text(list_actions.ask(fiona, LIST, verdict, [one.pk for one in waiting]))
    before = [status(referral) for referral in waiting]
    response = decide(fiona, verdict, *waiting)

    assert means in page
    assert all(f"{friend.user.username}<wbr>@example.com" in page for friend in friends)
    assert before == ["held", "held"]
    assert shown(response)[0].startswith(done)
    assert alice.balance() == {"release": "20.00", "void": "0.00"}[verdict]
    log = AuditEntry.objects.filter(reason="Looked at both.", action=f"{verdict} bonus")
    assert [str(entry.by) for entry in log] == ["fiona"] * 2
    again = shown(decide(fiona, "void", waiting[0]))
    assert again[-1] == f"Not voided: alice → {friends[0].user}: it was decided already."


def test_one_that_cannot_be_is_foreseen_and_hinders_no_other(
    fiona: Client, alice: Person, held: Referral
) -> None:
    charlie = register("charlie")
    [dora] = refer(charlie)
    other = Referral.objects.get(referred_user=dora.user)
    turn(other, "held")
    alice.change(is_active=False)

    pages = [
        text(list_actions.ask(fiona, LIST, verdict, [held.pk])) for verdict in ("release", "void")
    ]
    response = decide(fiona, "release", held, other)

    assert "Pays $0.00 for 0 referrals" in pages[0]
    assert "The referrer is deactivated, so that it can only be voided" in pages[0]
    assert "$20.00 for 1 referral are given up" in pages[1]
    assert (status(held), status(other)) == ("held", "completed")
    done, not_done = shown(response)
    assert done.startswith("Released 1: charlie → ")
    assert not_done == (
        "Not released: alice → bob: the referrer is deactivated, so that it can only be voided."
    )


@pytest.mark.parametrize(
    ("changes", "status_code"),
    [
        ({"_selected_action": ""}, 400),
        ({"_selected_action": "9" * 30}, 302),
        ({"_selected_action": "²"}, 400),
        ({"action": "pay twice"}, 302),
        ({"reason": " "}, 200),
    ],
)
def test_nothing_is_decided_without_all_that_it_takes(
    fiona: Client, held: Referral, changes: dict[str, str], status_code: int
) -> None:
    sent = {"action": "release", "_selected_action": str(held.pk)}
    sent |= {"answered": "yes", "reason": "Yes"}

    fiona.get(LIST, sent)
    response = fiona.post(LIST, sent | changes)

    assert response.status_code == status_code
    if "reason" in changes:
        assert response.context["form"].errors == {"reason": ["This field is required."]}
    assert status(held) == "held"


def test_support_looks_and_decides_nothing(held: Referral) -> None:
    sam = colleague("Support")

    pages = [sam.get(QUEUE), sam.get(f"{LIST}{held.pk}/change/")]
    decide(sam, "release", held)

    assert [page.status_code for page in pages] == [200, 200]
    assert not any(verb in text(page) for page in pages for verb in ("Release", "Void"))
    assert "Colleagues of Finance decide." in text(pages[0])
    assert "Colleagues of Finance release or void it." in text(pages[1])
    assert status(held) == "held"


def test_the_lists_are_a_few_queries(
    fiona: Client, alice: Person, django_assert_max_num_queries: Any
) -> None:
    refer(alice, 5)
    for referral in Referral.objects.all():
        turn(referral, "held")

    for path, queries in ((LIST, 8), (QUEUE, 9)):
        with django_assert_max_num_queries(queries):
            fiona.get(path)
