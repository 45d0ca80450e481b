"""The desk shows the answer to "why?" with a word, a colour and an icon for each verdict."""

import re

import pytest
from django.utils.html import escape, strip_tags

from accounts.models import User
from accounts.tests.factories import Person, operator, register
from gatewayz import why
from payments.models import Payment
from payments.tests.stripe_events import deliver, pending_payment, refer, refund, settle, turn
from referrals.models import Referral


def words(html: str) -> str:
    """Return the text of a fragment as a person reads it."""
    return re.sub(r"\s+", " ", strip_tags(html)).strip()


def test_the_answer_comes_before_the_gates_and_these_before_the_story(bob: Person) -> None:
    text = words(why.about_payment(settle(bob.user)))

    answer = text.index("Bonus paid: $10.00 to alice, $10.00 to bob.")
    gate = (
        text.index("Passed 0 of 10 uses")
        if "Passed 0 of 10 uses" in text
        else text.index("0 of 10")
    )
    story = text.index("bob asked to buy credits for $10.00.")
    assert answer < gate < story


@pytest.mark.parametrize(
    ("cents", "word"), [(500, "Shut"), (1000, "Passed")], ids=["too little", "enough"]
)
def test_each_verdict_has_its_word(bob: Person, cents: int, word: str) -> None:
    html = why.about_payment(settle(bob.user, cents))

    _, minimum, *_ = html.split('<li class="why-gate')[1:]
    assert f"{word} The purchase" in words(minimum)


def test_the_gate_that_decided_stands_out(bob: Person) -> None:
    html = why.about_payment(settle(bob.user, 500))

    [decided] = [row for row in html.split("<li") if "why-decided" in row]
    assert "below the minimum" in decided
    assert "This decided." in decided


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("completed", "Bonus paid"),
        ("held", "Bonus held"),
        ("reversed", "Bonus taken back"),
        ("voided", "Bonus not granted"),
    ],
)
def test_a_referral_has_the_word_of_its_state(bob: Person, status: str, answer: str) -> None:
    settle(bob.user)
    referral = Referral.objects.get()
    turn(referral, status)

    text = words(why.about_referral(referral))

    assert f"{status} {answer}" in text


def test_every_link_leads_to_a_page(bob: Person) -> None:
    payment = settle(bob.user)
    client = operator()

    links = re.findall(r'href="([^"]+)"', why.about_payment(payment) + why.about_user(bob.user))

    assert len(set(links)) == 5
    assert {client.get(link).status_code for link in links} == {200}


def test_a_payment_that_is_open_is_not_yet_anything(bob: Person) -> None:
    assert "pending No bonus: the purchase is not paid" in words(
        why.about_payment(pending_payment(bob.user))
    )


def test_without_stored_gates_it_says_so(bob: Person) -> None:
    payment = settle(bob.user, 500)
    Payment.objects.update(gates=[])

    text = words(why.about_payment(payment))

    assert "What each gate said was not kept" in text
    assert "Gates, as they stood" not in text


def test_a_time_that_was_not_kept_is_not_made_up(bob: Person) -> None:
    payment = settle(bob.user)
    turn(Referral.objects.get(), "reversed")
    turn(Referral.objects.get(), "held")

    assert "time not kept Bonus held: one card" in words(why.about_payment(payment))


def test_a_person_is_shown_with_purchases_friends_and_what_would_be_now(alice: Person) -> None:
    refer(alice, 2)
    register("dora", code=alice.code)
    deliver(refund(settle(alice.user, 500), 500))

    text = words(why.about_user(alice.user, cents=1000))

    assert "alice has not made a qualifying purchase yet: $10.00 or more." in text
    assert "Registered without a code that counts" in text
    assert "A purchase of $10.00 now would earn no bonus" in text
    assert "2 of 10 uses of the code are taken, 8 left." in text
    assert "Not yet dora has not made a qualifying purchase yet." in text


def test_of_several_purchases_the_decisive_one_is_told_in_full(bob: Person) -> None:
    settle(bob.user, 500)
    settle(bob.user)
    settle(bob.user, 2000)

    text = words(why.about_user(bob.user))

    assert text.count("What happened") == 1
    assert text.index("Bonus paid: $10.00 to alice") < text.index("Other purchases")
    assert "not first No bonus: an earlier purchase had qualified." in text
    assert "below minimum No bonus: the purchase of $5.00" in text


def test_markup_in_what_people_wrote_stays_text(bob: Person) -> None:
    payment = settle(bob.user)
    turn(Referral.objects.get(), "voided")
    Referral.objects.update(review_note="<script>alert(1)</script>")
    User.objects.filter(pk=bob.user.pk).update(username="<b>bob</b>")

    html = why.about_payment(payment)

    assert "<script>" not in html
    assert "<b>bob" not in html
    assert escape("<script>alert(1)</script>") in html
