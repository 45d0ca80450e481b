"""A support agent sees on one page what there is to know of a person, with a dozen queries."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries

from accounts import api_keys, audit, people
from accounts.models import User
from accounts.tests.factories import Person, colleague, give, register, reviewer
from gatewayz.adminbase.formatting import NOTHING
from payments.models import Payment
from payments.tests.stripe_events import (
    deliver,
    pending_payment,
    quarantined_event,
    refer,
    refund,
    resolve,
    settle,
    turn,
)
from referrals.models import Referral

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def purchase(bob: Person) -> Payment:
    """Bob's first, which earned the bonus for him and for Alice."""
    return settle(bob.user, 2000)


def path(person: Person, page: str = "change") -> str:
    return f"/admin/accounts/user/{person.user.pk}/{page}/"


def text(client: Client, person: Person, page: str = "change") -> str:
    content: str = client.get(path(person, page), follow=True).content.decode()
    return content


def sections(client: Client, person: Person) -> dict[str, Any]:
    page = client.get(path(person)).context["person_page"]
    return {section.slug: section for section in page["sections"]}


def facts(client: Client, person: Person) -> dict[str, Any]:
    page = client.get(path(person)).context["person_page"]
    return {fact.name: fact for fact in page["facts"]}


def test_the_top_says_what_matters_and_tells_a_debt_in_words(
    support: Client, alice: Person, bob: Person, purchase: Payment
) -> None:
    shown, inviter = facts(support, alice), facts(support, bob)["Invited by"]
    give(alice, "-10.00")
    deliver(refund(purchase, 2000))
    debt = facts(support, alice)["Balance"]

    assert (shown["Balance"].value, shown["Code"].value) == ("$10.00", alice.code)
    assert shown["Code"].detail == "1 of 10 uses taken, 9 left"
    assert shown["Earned by inviting"].value == "$10.00"
    assert shown["First purchase"].value == "Not yet"
    assert path(alice) in inviter.value
    assert inviter.detail == f"with the code {alice.code}"
    assert (debt.value, debt.tone) == ("-$10.00", "debt")
    assert "owes $10.00" in debt.detail


def test_statement_and_purchases_lead_to_what_became_of_them(
    support: Client, bob: Person, purchase: Payment
) -> None:
    deliver(refund(purchase, 100))

    shown = sections(support, bob)

    rows = shown["statement"].rows
    assert [row[1] for row in rows] == ["Refund", "Bonus for being invited", "Purchase"]
    assert purchase.clawbacks.get().stripe_id in rows[0][5]
    assert strip_tags(rows[1][5]) == "alice"
    assert f"/admin/payments/payment/{purchase.pk}/change/" in rows[2][5]
    [row] = shown["purchases"].rows
    assert (strip_tags(row[1]), row[3]) == ("$20.00", "Bonus paid")
    assert "refund of $1.00" in row[4]


def test_the_statement_names_the_other_side_and_what_was_taken_back(
    support: Client, alice: Person, bob: Person, purchase: Payment
) -> None:
    give(alice, "5.00")
    deliver(refund(purchase, 2000))

    rows = sections(support, alice)["statement"].rows

    assert [row[1] for row in rows] == ["Bonus taken back", "Adjustment", "Bonus for inviting"]
    assert [strip_tags(row[5]) for row in (rows[0], rows[2])] == ["bob", "bob"]
    assert path(bob) in rows[0][5]
    assert [strip_tags(row[6]) for row in rows[:2]] == ["the program", "the command line"]


@pytest.mark.parametrize(
    ("friends", "note"), [(99, "99 pending"), (101, "of the newest 100: 100 pending")]
)
def test_friends_are_counted_as_far_as_they_are_read(
    support: Client, alice: Person, friends: int, note: str
) -> None:
    User.objects.bulk_create(
        User(username=f"b{n}", email=f"b{n}@example.com", referred_by_code=alice.code)
        for n in range(friends)
    )

    assert sections(support, alice)["referrals"].note == note


def test_friends_stand_with_their_state_and_who_comes_too_late_is_not_called_pending(
    support: Client, alice: Person, purchase: Payment
) -> None:
    register("dora", code=alice.code)
    before = sections(support, alice)["referrals"]
    refer(alice, 9)

    after = sections(support, alice)["referrals"]

    assert before.note == "1 pending · 1 completed"
    assert ["dora" in before.rows[0][0], "pending" in before.rows[0][1]] == [True, True]
    assert f"/admin/referrals/referral/{purchase.referral_id}/change/" in before.rows[1][3]
    assert after.note == "1 too late: code used up · 10 completed"
    page = text(support, alice)
    assert ">code used up<" in page
    assert "pending" not in page.partition("Earned by inviting")[2][:400]


def test_keys_show_no_more_than_tells_them_by(support: Client, alice: Person) -> None:
    key = alice.user.api_keys.get()

    page_of_key = support.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()

    for page in (text(support, alice), page_of_key):
        assert alice.api_key[:12] in page
        assert alice.api_key[12:] not in page
        assert key.digest not in page


def test_adjustments_and_the_history_tell_who_did_what_and_why(
    support: Client, alice: Person
) -> None:
    give(alice, "5.00")
    people.deactivate(alice.user, by=None, reason="Chargeback, ticket 12", now=NOW)

    shown = sections(support, alice)

    [by_hand], [deactivated, adjusted] = shown["adjustments"].rows, shown["history"].rows
    assert "$5.00" in by_hand[1]
    assert by_hand[3:7] == ["Goodwill", "A gift", "the command line", NOTHING]
    adjustment = alice.user.adjustments.get()
    assert f"/adjustment/{adjustment.pk}/change/" in shown["statement"].rows[0][5]
    who = audit.of(alice.user).get().who
    assert deactivated[1:5] == ["Deactivate", "alice", who, "Chargeback, ticket 12"]
    assert "active: yes → no" in deactivated[5]
    assert adjusted[1] == "Adjust credits"


def test_all_of_the_history_is_what_its_section_begins_with(
    finance: Client, alice: Person, bob: Person
) -> None:
    """Whatever of the person's it was done to; and nothing that was done to others."""
    by, now = reviewer(), NOW
    people.deactivate(bob.user, by=by, reason="Another case", now=now)
    give(alice, "5.00")
    api_keys.issue(alice.user, by=by, reason="They lost it", now=now)
    refer(alice)
    turn(Referral.objects.get(), "voided")
    resolve(quarantined_event(pending_payment(alice.user)), by=by)
    people.deactivate(alice.user, by=by, reason="Chargeback", now=now)
    shown = sections(finance, alice)["history"]

    every = finance.get(shown.more).context["cl"].result_list

    assert [row[1].lower() for row in shown.rows] == [entry.action for entry in every]
    assert {entry.action for entry in every} == {
        *("adjust credits", "issue key", "void bonus", "resolve event", "deactivate"),
    }
    assert "Another case" not in {entry.reason for entry in every}


@pytest.mark.parametrize("group", ["Support", "Finance"])
def test_each_group_is_offered_what_it_may_do(alice: Person, group: str) -> None:
    actions = colleague(group).get(path(alice)).context["actions_detail"]

    by_support = [
        ("Set inviter…", path(alice, "set_inviter")),
        ("New key…", path(alice, "new_key")),
    ]
    of_finance = [
        ("Export…", path(alice, "export_person")),
        ("Erase…", path(alice, "erase")),
    ]
    assert [(action["title"], action["path"]) for action in actions] == [
        ("Why?", path(alice, "why")),
        ("Statement", path(alice, "statement")),
        ("Related accounts", path(alice, "related")),
        ("Adjust balance…", path(alice, "adjust")),
        *(by_support if group == "Support" else []),
        ("Deactivate…", path(alice, "deactivate")),
        *(of_finance if group == "Finance" else []),
    ]


def test_what_people_call_themselves_is_only_text(support: Client) -> None:
    name = "<script>alert(1)</script>"
    mallory = Person(User.objects.create(username=name, email="m@example.com"), "")

    pages = [text(support, mallory, page) for page in ("change", "statement", "why", "deactivate")]
    pages.append(support.get("/admin/accounts/user/").content.decode())

    assert [name in page for page in pages] == [False] * 5
    assert ["&lt;script&gt;" in page for page in pages] == [True] * 5


def test_it_asks_as_little_of_a_long_life_as_of_a_short_one(
    support: Client,
    alice: Person,
    charlie: Person,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    refer(alice, 3)
    for _ in range(3):
        deliver(refund(settle(alice.user), 100))

    with django_assert_max_num_queries(19) as long:
        support.get(path(alice))
    with django_assert_max_num_queries(19) as short:
        support.get(path(charlie))

    assert 0 <= len(long) - len(short) <= 1
    assert "OFFSET" not in str(long.captured_queries)


def test_the_list_asks_once_however_long_it_is(
    support: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice = register("alice")
    refer(alice, 2)

    with django_assert_max_num_queries(8) as queries:
        page = support.get("/admin/accounts/user/").content.decode()

    listing = 'FROM "users" WHERE NOT "users"."is_staff" ORDER BY'
    rows = [query for query in queries.captured_queries if listing in query["sql"]]
    assert len(rows) == 1
    assert "2 of 10" in page


@pytest.mark.usefixtures("purchase")
def test_why_is_answered_for_an_amount_and_one_that_cannot_be_is_no_error(
    support: Client, bob: Person
) -> None:
    for amount in ("25", "", "x", "-1", "0", "1e9", "NaN", "9" * 99):
        page = support.get(path(bob, "why"), {"amount": amount})

        is_answered = "A purchase of $25.00 now would earn no bonus" in page.content.decode()
        assert (page.status_code, is_answered) == (200, amount == "25"), amount


def test_the_whole_statement_is_the_list_of_their_entries(
    support: Client, alice: Person, bob: Person
) -> None:
    give(bob, "1.00")
    for _ in range(70):
        give(alice, "0.50")

    first = support.get(path(alice, "statement"), follow=True).context["cl"]
    second = support.get(f"{sections(support, alice)['statement'].more}&p=2").context["cl"]

    entries = [entry for page in (first, second) for entry in page.result_list]
    assert [entry.number for entry in entries] == list(range(70, 0, -1))
    assert {entry.user for entry in entries} == {alice.user}
    assert first.queryset.query.order_by[0] == "-number"


@pytest.mark.parametrize("page", ["change", "statement", "why", "deactivate", "reactivate"])
def test_a_customer_is_sent_away(client: Client, alice: Person, page: str) -> None:
    client.force_login(alice.user)

    assert client.get(path(alice, page))["Location"].startswith("/admin/login/")
