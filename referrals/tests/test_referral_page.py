"""The page of a referral: both people side by side, the bonus, why, and who decided."""

from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts.tests.factories import Person
from gatewayz.tests.list_actions import text
from payments.models import Payment
from payments.tests.stripe_events import refer, settle, turn
from referrals.models import Referral
from referrals.tests.test_review_pages import LIST, QUEUE, decide


def people(page: Any) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in page.context["people"]["rows"]}


def test_the_page_has_both_people_side_by_side(
    fiona: Client, alice: Person, held: Referral, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(18):
        page = fiona.get(f"{LIST}{held.pk}/change/")
    [friend] = refer(alice)
    turn(Referral.objects.get(referred_user=friend.user), "held")
    later = fiona.get(f"{LIST}{held.pk}/change/")

    shown = people(page)
    emails = [strip_tags(cell) for cell in shown["E-mail"]]
    assert emails == ["alice@example.com", "bob@example.com"]
    assert shown["Purchases"] == ["none", "1, $10.00 in all"]
    assert shown["Balance"] == ["$0.00", "$10.00"]
    assert shown["Referrals made"] == ["1", "0"]
    assert people(later)["Referrals made"][0] == "2, 1 other held"
    assert page.context["matches"] == []


def test_the_page_says_what_matches_and_never_the_cards_fingerprint(
    fiona: Client, alice: Person, bob: Person
) -> None:
    bob.change(email="alice+b@example.com", signup_address="alice")
    alice.change(signup_address="alice")
    bought = [settle(alice.user), settle(bob.user)]
    Payment.objects.update(card_fingerprint="FiNgErPrInT")

    page = fiona.get(f"{LIST}{Referral.objects.get().pk}/change/")

    assert page.context["matches"] == [
        "Both e-mail addresses end up in one mailbox: alice@example.com",
        f"One card paid for purchases of both: #{bought[0].pk}, #{bought[1].pk}",
        "Both signed up from one network address; by itself that means little.",
    ]
    assert "FiNgErPrInT" not in text(page)


def test_the_page_names_earlier_friends_with_the_mailbox_or_the_card(
    fiona: Client, alice: Person, bob: Person
) -> None:
    [eve, dave] = refer(alice, 2)
    settle(bob.user)
    dave.user.email = bob.user.email = "box@example.com"
    dave.change(mailbox=bob.user.mailbox)
    Payment.objects.filter(user__in=[eve.user, bob.user]).update(card_fingerprint="visa")

    pages = [
        fiona.get(f"{LIST}{Referral.objects.get(referred_user=who.user).pk}/change/")
        for who in (bob, eve)
    ]

    matches = [list(map(strip_tags, page.context["matches"])) for page in pages]
    assert matches == [
        [
            f"An earlier friend has this mailbox: {dave.user}",
            f"An earlier friend paid with the friend's card: {eve.user}",
        ],
        [],
    ]


@pytest.mark.parametrize(
    ("turned", "bonus"),
    [
        ("completed", "$10.00 to the referrer + $10.00 to the friend"),
        ("held", "nothing yet: $10.00 to the referrer + $10.00 to the friend wait"),
        ("reversed", "nothing: $10.00 to the referrer + $10.00 to the friend were taken back"),
        ("voided", "nothing: voided, instead of $10.00 to the referrer + $10.00 to the friend"),
    ],
)
def test_the_page_says_what_stands_of_the_bonus(
    fiona: Client, bob: Person, turned: str, bonus: str
) -> None:
    settle(bob.user)
    referral = Referral.objects.get()
    turn(referral, turned)

    page = fiona.get(f"{LIST}{referral.pk}/change/")

    assert page.context["facts"][0] == ("Bonus", bonus)


def test_the_page_offers_what_can_be_decided_and_keeps_who_decided_and_why(
    fiona: Client, alice: Person, held: Referral
) -> None:
    alice.change(is_active=False)
    gone = text(fiona.get(f"{LIST}{held.pk}/change/"))
    alice.change(is_active=True)
    decide(fiona, "release", held)

    page = text(fiona.get(f"{LIST}{held.pk}/change/"))

    assert "the bonus can only be voided" in gone
    assert 'name="action" value="void"' in gone
    assert 'value="release"' not in gone
    assert "Released by fiona" in page
    assert "release bonus · “Looked at both.”" in page


def test_a_referral_is_found_by_its_people_and_its_code_and_the_sidebar_marks_its_page_alone(
    fiona: Client, alice: Person, held: Referral
) -> None:
    for term in ("alice", "BOB", "bob@exam", alice.code.lower()):
        assert list(fiona.get(LIST, {"q": term}).context["cl"].result_list) == [held], term

    for path, marked in ((QUEUE, "Review queue"), (LIST, "Referrals")):
        groups = fiona.get(path).context["sidebar_navigation"]
        items = [item for group in groups for item in group["items"]]
        assert [item["title"] for item in items if item["active"]] == [marked]
