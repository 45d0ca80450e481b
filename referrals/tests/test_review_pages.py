"""The review queue and the page of a referral: looked at by all, decided by Finance, once."""

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, colleague, register, reviewer
from payments.models import Payment
from payments.tests.at_once import at_once
from payments.tests.stripe_events import refer, settle, turn
from referrals import review
from referrals.models import Referral

QUEUE = "/admin/referrals/referral/review/"
LIST = "/admin/referrals/referral/"


@pytest.fixture
def fiona(db: None) -> Client:
    return colleague("Finance")


@pytest.fixture
def held(bob: Person) -> Referral:
    settle(bob.user)
    turn(Referral.objects.get(), "held")
    return Referral.objects.get()


def decide(client: Client, verdict: str, *referrals: Referral, **changes: str) -> Any:
    chosen = {"referral": [str(referral.pk) for referral in referrals], "decision": verdict}
    return client.post(QUEUE, chosen | {"reason": "Looked at both."} | changes)


def told(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def status(referral: Referral) -> str:
    referral.refresh_from_db()
    return referral.status


def test_the_queue_has_those_that_wait_the_oldest_first(fiona: Client, alice: Person) -> None:
    refer(alice, 3)
    oldest, _, newest = Referral.objects.order_by("completed_at")
    for referral in (newest, oldest):
        turn(referral, "held")

    rows = fiona.get(QUEUE).context["rows"]

    assert [row["referral"] for row in rows] == [oldest, newest]
    assert [row["amount"] for row in rows] == ["$10.00 + $10.00"] * 2


def test_it_says_since_when_the_money_waits(fiona: Client, bob: Person) -> None:
    settle(bob.user)
    held_at = timezone.now() + timedelta(days=3)
    review.hold(Referral.objects.get().pk, reason="one card on both sides", now=held_at)

    [row] = fiona.get(QUEUE).context["rows"]

    assert row["since"] == f"{held_at:%-d %b %Y, %H:%M}"


def test_an_empty_queue_says_so(fiona: Client) -> None:
    assert "Nothing waits." in text(fiona.get(QUEUE))


def test_what_is_released_is_paid_with_its_reason(
    fiona: Client, alice: Person, bob: Person, held: Referral
) -> None:
    response = decide(fiona, "release", held)

    assert told(response) == ["Released 1: alice → bob."]
    assert (status(held), alice.balance(), bob.balance()) == ("completed", "10.00", "20.00")
    entry = AuditEntry.objects.get()
    assert (str(entry.by), entry.action, entry.reason) == (
        "fiona",
        "release bonus",
        "Looked at both.",
    )


def test_what_is_voided_is_not_paid(fiona: Client, alice: Person, held: Referral) -> None:
    response = decide(fiona, "void", held, is_page="yes")

    assert response.headers["Location"] == f"{LIST}{held.pk}/change/"
    assert (status(held), alice.balance()) == ("voided", "0.00")


def test_many_are_decided_with_one_reason(fiona: Client, alice: Person) -> None:
    refer(alice, 3)
    for referral in Referral.objects.all():
        turn(referral, "held")

    response = decide(fiona, "release", *Referral.objects.all())

    assert told(response)[0].startswith("Released 3: alice → ")
    assert AuditEntry.objects.filter(reason="Looked at both.").count() == 3


def test_one_that_cannot_be_hinders_no_other(fiona: Client, alice: Person, held: Referral) -> None:
    charlie = register("charlie")
    [dora] = refer(charlie)
    other = Referral.objects.get(referred_user=dora.user)
    turn(other, "held")
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    response = decide(fiona, "release", held, other)

    assert (status(held), status(other)) == ("held", "completed")
    done, not_done = told(response)
    assert done.startswith("Released 1: charlie → ")
    assert not_done == (
        "Not released: alice → bob: the referrer is deactivated, so that it can only be voided."
    )


def test_decided_again_it_stays_as_it_is(fiona: Client, alice: Person, held: Referral) -> None:
    decide(fiona, "release", held)

    response = decide(fiona, "void", held)

    assert told(response)[-1] == "Not voided: alice → bob: it was decided already."
    assert (status(held), alice.balance()) == ("completed", "10.00")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": " "}, "Reason: This field is required."),
        ({"referral": ""}, "Nothing was chosen."),
        ({"referral": "9" * 30}, "Nothing was chosen."),
        ({"referral": "²"}, "Nothing was chosen."),
        ({"decision": "pay twice"}, "Nothing was chosen."),
    ],
)
def test_nothing_is_decided_without_all_that_it_takes(
    fiona: Client, held: Referral, changes: dict[str, str], message: str
) -> None:
    response = decide(fiona, "release", held, **changes)

    assert told(response) == [message]
    assert status(held) == "held"


@pytest.mark.django_db(transaction=True)
def test_released_at_once_it_is_paid_once(fiona: Client, alice: Person, held: Referral) -> None:
    answers = at_once(*[partial(decide, fiona, "release", held)] * 6)

    assert Counter(answer.status_code for answer in answers) == {302: 6}
    assert (status(held), alice.balance()) == ("completed", "10.00")
    assert AuditEntry.objects.count() == 1


def test_support_looks_and_decides_nothing(held: Referral) -> None:
    sam = colleague("Support")

    pages = [sam.get(QUEUE), sam.get(f"{LIST}{held.pk}/change/")]
    refused = decide(sam, "release", held)

    assert [page.status_code for page in pages] == [200, 200]
    assert not any("Release" in text(page) for page in pages)
    assert (refused.status_code, status(held)) == (403, "held")


def test_whoever_is_no_colleague_sees_nothing(held: Referral, client: Client) -> None:
    client.force_login(reviewer())

    pages = [client.get(path) for path in (QUEUE, LIST, f"{LIST}{held.pk}/change/")]

    assert [page.status_code for page in pages] == [403, 403, 403]


def people(page: Any) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in page.context["people"]["rows"]}


def test_the_page_has_both_people_side_by_side(fiona: Client, held: Referral) -> None:
    page = fiona.get(f"{LIST}{held.pk}/change/")

    facts = people(page)
    assert facts["E-mail"] == ["alice@example.com", "bob@example.com"]
    assert facts["Purchases"] == ["none", "1, $10.00 in all"]
    assert facts["Balance"] == ["$0.00", "$10.00"]
    assert facts["Referrals made"] == ["1", "0"]
    assert page.context["matches"] == []


def test_the_page_says_what_matches_and_never_the_cards_fingerprint(
    fiona: Client, alice: Person, bob: Person
) -> None:
    User.objects.filter(pk=bob.user.pk).update(email="alice+b@example.com", signup_address="alice")
    User.objects.filter(pk=alice.user.pk).update(signup_address="alice")
    bought = [settle(alice.user), settle(bob.user)]
    Payment.objects.update(card_fingerprint="FiNgErPrInT")

    page = fiona.get(f"{LIST}{Referral.objects.get().pk}/change/")

    assert page.context["matches"] == [
        "Both e-mail addresses end up in one mailbox: alice@example.com",
        f"One card paid for purchases of both: #{bought[0].pk}, #{bought[1].pk}",
        "Both signed up from one network address; by itself that means little.",
    ]
    assert "FiNgErPrInT" not in text(page)


def test_other_bonuses_that_wait_are_counted(fiona: Client, alice: Person, held: Referral) -> None:
    [friend] = refer(alice)
    turn(Referral.objects.get(referred_user=friend.user), "held")

    page = fiona.get(f"{LIST}{held.pk}/change/")

    assert people(page)["Referrals made"][0] == "2, 1 other held"


def test_of_a_deactivated_referrer_the_bonus_can_only_be_voided(
    fiona: Client, alice: Person, held: Referral
) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    page = text(fiona.get(f"{LIST}{held.pk}/change/"))

    assert "the bonus can only be voided" in page
    assert 'value="void"' in page
    assert 'value="release"' not in page


def test_the_page_keeps_who_decided_and_why(fiona: Client, held: Referral) -> None:
    decide(fiona, "release", held)

    page = text(fiona.get(f"{LIST}{held.pk}/change/"))

    assert "Released by fiona" in page
    assert "release bonus · “Looked at both.”" in page


def test_a_referral_that_is_not_there_is_not_found(fiona: Client) -> None:
    assert fiona.get(f"{LIST}4711/change/").status_code == 404


@pytest.mark.parametrize(("path", "queries"), [(LIST, 8), (QUEUE, 9)])
def test_a_list_is_a_few_queries(
    fiona: Client, alice: Person, path: str, queries: int, django_assert_max_num_queries: Any
) -> None:
    refer(alice, 5)
    for referral in Referral.objects.all():
        turn(referral, "held")

    with django_assert_max_num_queries(queries):
        fiona.get(path)


def test_the_page_is_a_few_queries(
    fiona: Client, held: Referral, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(18):
        fiona.get(f"{LIST}{held.pk}/change/")


@pytest.mark.parametrize("term", ["alice", "BOB", "bob@exam", "{code}"])
def test_a_referral_is_found_by_its_people_and_its_code(
    fiona: Client, alice: Person, held: Referral, term: str
) -> None:
    response = fiona.get(LIST, {"q": term.format(code=alice.code.lower())})

    assert list(response.context["cl"].result_list) == [held]


@pytest.mark.parametrize(("path", "marked"), [(QUEUE, "Review queue"), (LIST, "Referrals")])
def test_the_sidebar_marks_the_page_and_no_other(fiona: Client, path: str, marked: str) -> None:
    groups = fiona.get(path).context["sidebar_navigation"]

    assert [item["title"] for group in groups for item in group["items"] if item["active"]] == [
        marked
    ]
