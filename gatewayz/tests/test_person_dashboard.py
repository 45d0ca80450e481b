"""The dashboard of a person: what it says, to whom, and at what cost."""

from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from accounts.models import User
from accounts.tests.factories import Person, give, logged_in, register
from payments.tests.stripe_events import deliver, refer, refund, settle, turn
from payments.tests.test_own_answers import explain
from referrals.invitations import invite_link
from referrals.models import Referral

PATH = "/dashboard"
PAGES = (
    *("/dashboard", "/dashboard/friends", "/dashboard/qr.svg", "/dashboard/buy"),
    *("/dashboard/statement", "/dashboard/statement.csv"),
    *("/account", "/account/export", "/account/erase"),
)


def read(person: Person, path: str = PATH) -> str:
    """Return the page as this person sees it."""
    response = logged_in(person.user).get(path)
    assert response.status_code == 200, response
    return response.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_its_person_alone_and_kept_by_no_cache(bob: Person, path: str) -> None:
    stranger, browser = Client().get(path), logged_in(bob.user)
    shown = browser.get(path)
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    after = browser.get(path)

    assert (stranger.status_code, shown.status_code, after.status_code) == (302, 200, 302)
    assert stranger["Location"] == after["Location"] == f"/login?next={path}"
    assert {"no-store", "private"} <= set(shown["Cache-Control"].split(", "))


def test_it_shows_the_balance_the_code_and_what_the_code_has_brought(alice: Person) -> None:
    refer(alice, 3)
    register("dora", code=alice.code)

    page, picture = read(alice), logged_in(alice.user).get("/dashboard/qr.svg")

    assert "$30.00" in page
    assert invite_link(alice.code) in page
    assert "3 of 10 used" in page
    assert "<dt>Pending friends</dt><dd>1</dd>" in page
    assert picture["Content-Type"] == "image/svg+xml"
    assert picture["Content-Disposition"].startswith("attachment")
    assert ElementTree.fromstring(picture.content).tag.endswith("svg")


def test_it_says_what_a_debt_is_and_that_the_next_purchase_fills_it(bob: Person) -> None:
    payment = settle(bob.user)
    give(bob, "-20.00")
    before = read(bob)

    deliver(refund(payment, 1000))

    assert "below zero" not in before
    assert "-$20.00" in read(bob)
    assert "fill it up first" in read(bob)


@pytest.mark.parametrize("status", ["", "completed", "held", "reversed", "voided"])
def test_it_explains_the_bonus_in_the_words_of_the_api(bob: Person, status: str) -> None:
    if status:
        settle(bob.user)
        turn(Referral.objects.get(), status)

    page, said = read(bob), explain(bob, "?amount=1000")

    assert escape(said["summary"]) in page
    checks = said["checks"] or said["what_if"]["checks"]
    assert [line for line in checks if escape(line["sentence"]) not in page] == []
    assert ("Why no bonus?" in page) == (status != "completed")


def test_of_friends_it_says_what_each_has_done_and_still_needs_and_a_name_is_text(
    alice: Person,
) -> None:
    for name, cents in (("newcomer", 0), ("saver", 400), ("buyer", 1000)):
        friend = register(name, code=alice.code)
        if cents:
            settle(friend.user, cents)

    hostile = "<script>alert(1)</script>\u202e" + "x" * 120
    User.objects.filter(username="newcomer").update(username=hostile)

    page = read(alice)

    assert f"<bdi>{escape(hostile)}</bdi>" in page
    assert "<script>alert" not in page
    assert "has not made a qualifying purchase yet." in page
    assert "has bought, but not yet for $10.00 or more in one purchase." in page
    assert "has bought, and both sides have their bonus." in page
    assert "$4.00" not in page


def test_older_friends_are_on_a_page_of_their_own(alice: Person) -> None:
    User.objects.bulk_create(
        User(username=f"f{n}", email=f"f{n}@example.com", referred_by_code=alice.code)
        for n in range(101)
    )
    second = User.objects.get(username="f1")

    page = read(alice)

    assert ("<bdi>f1</bdi>" in page, "<bdi>f0</bdi>" in page) == (True, False)
    assert f"/dashboard/friends?before={second.pk}" in page
    assert "<bdi>f0</bdi>" in read(alice, f"/dashboard/friends?before={second.pk}")


@pytest.mark.parametrize("path", ["/dashboard/friends", "/dashboard/statement"])
def test_what_is_no_place_in_a_list_is_not_found(alice: Person, path: str) -> None:
    browser = logged_in(alice.user)

    for before in ("", "x", "-1", "1.5", "9" * 30, "%00", "٣"):
        assert browser.get(f"{path}?before={before}").status_code == 404, before


def test_it_costs_the_same_for_any_number_of_friends_and_purchases(alice: Person) -> None:
    carol = register("carol", code=alice.code)
    browser, costs, sizes = logged_in(carol.user), [], []

    for count in (1, 8):
        refer(carol, count)
        settle(carol.user)
        with CaptureQueriesContext(connection) as queries:
            sizes.append(len(browser.get(PATH).content))
        costs.append(len(queries))

    assert costs[0] == costs[1] <= 11
    assert max(sizes) < 30_000
