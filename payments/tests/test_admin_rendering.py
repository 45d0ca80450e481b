"""The admin shows an answer with a word, a colour and an icon for each check and each state."""

import re

from django.utils.html import escape, strip_tags

from accounts.models import User
from accounts.tests.factories import Person, operator, register
from payments.explanations.admin_rendering import about_person, about_purchases
from payments.models import Payment
from payments.tests.stripe_events import deliver, pending_payment, refer, refund, settle, turn
from payments.tests.test_answers import share_a_mailbox
from referrals.models import Referral


def rendered(payment: Payment) -> str:
    return about_purchases(Payment.objects.filter(pk=payment.pk))


def words(html: str) -> str:
    """Return the text of a fragment as a person reads it."""
    return re.sub(r"\s+", " ", strip_tags(html)).strip()


def checks(html: str) -> list[str]:
    """Return each check as a person reads it."""
    _, _, rest = html.partition('<ol class="why-checks">')
    rows, _, _ = rest.partition("</ol>")
    return [words(row) for row in rows.split("</li>")[:-1]]


def test_the_summary_comes_before_the_checks_and_each_link_leads_to_a_page(bob: Person) -> None:
    html = rendered(settle(bob.user))
    client, text = operator(), words(html)

    summary = text.index("Bonus paid: $10.00 to alice, $10.00 to bob.")
    check = text.index("0 of 10 uses")
    assert summary < check < text.index("bob asked to buy credits for $10.00.")
    links = set(re.findall(r'href="([^"]+)"', html + about_person(bob.user)))
    assert len(links) == 5
    assert {client.get(link).status_code for link in links} == {200}


def test_each_status_has_its_word_and_the_deciding_check_stands_out(
    alice: Person, bob: Person, charlie: Person
) -> None:
    failed, unchecked = checks(rendered(settle(bob.user, 500))), rendered(settle(charlie.user))
    share_a_mailbox(alice, bob)
    held = checks(rendered(settle(bob.user)))

    assert "Passed The terms" in failed[0]
    assert "Failed The purchase of $5.00 was below the minimum" in failed[1]
    assert [row for row in failed if row.endswith("Deciding check.")] == [failed[1]]
    assert "Held Both e-mail addresses were one mailbox. Deciding check." in held[-2]
    assert [row for row in held if row.endswith("Deciding check.")] == [held[-2]]
    assert "Not checked Whether the code has a use left" in words(unchecked)
    assert unchecked.count("why-deciding") == 1


def test_what_is_open_missing_or_was_not_stored_is_not_made_up(bob: Person) -> None:
    assert words(about_purchases(Payment.objects.none())) == "There is no payment for this."
    open_payment = words(rendered(pending_payment(bob.user)))
    assert "pending No bonus: the purchase is not paid" in open_payment
    payment = settle(bob.user)
    turn(Referral.objects.get(), "reversed")
    turn(Referral.objects.get(), "held")
    Payment.objects.update(checks=[])

    text = words(rendered(payment))

    assert "time not stored Bonus held: one card" in text
    assert "The checks of this purchase were not stored" in text
    assert "Checks on" not in text


def test_a_person_is_shown_with_purchases_friends_and_what_would_be_now(alice: Person) -> None:
    refer(alice, 2)
    register("dora", code=alice.code)
    deliver(refund(settle(alice.user, 500), 500))

    text = words(about_person(alice.user, cents=1000))

    assert "alice has not made a qualifying purchase yet: $10.00 or more." in text
    assert "Registered without a code that counts" in text
    assert "A purchase of $10.00 now would earn no bonus" in text
    assert "2 of 10 uses of the code are taken, 8 left." in text
    assert "Not yet dora has not made a qualifying purchase yet." in text


def test_of_several_purchases_the_decisive_one_is_shown_in_full(bob: Person) -> None:
    settle(bob.user, 500)
    settle(bob.user)
    settle(bob.user, 2000)

    text = words(about_person(bob.user))

    assert text.count("What happened") == 1
    assert text.index("Bonus paid: $10.00 to alice") < text.index("Other purchases")
    assert "not first No bonus: an earlier purchase had qualified." in text
    assert "below minimum No bonus: the purchase of $5.00" in text


def test_markup_in_what_people_wrote_stays_text(bob: Person) -> None:
    payment = settle(bob.user)
    turn(Referral.objects.get(), "voided")
    Referral.objects.update(review_note="<script>alert(1)</script>")
    User.objects.filter(pk=bob.user.pk).update(username="<b>bob</b>")

    html = rendered(payment)

    assert "<script>" not in html
    assert "<b>bob" not in html
    assert escape("<script>alert(1)</script>") in html
