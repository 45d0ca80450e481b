"""The page of one set of terms: what they promise, what they paid, what is left, who added them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.test import Client

from accounts.tests.factories import Person
from gatewayz.tests.list_actions import text
from payments.tests.stripe_events import refer, turn
from referrals.models import Program, Referral
from referrals.tests.factories import ProgramFactory
from referrals.tests.test_terms_pages import HISTORY


def page_of(client: Client, terms: Program) -> Any:
    return client.get(f"{HISTORY}{terms.pk}/change/")


def test_the_page_of_terms_says_what_they_promise_in_the_words_of_the_list(fiona: Client) -> None:
    terms = ProgramFactory.create(
        referee_bonus=Decimal(5), starts_at=datetime(2040, 1, 1, tzinfo=UTC)
    )

    page = page_of(fiona, terms)

    promises = dict(page.context["promises"])
    assert page.context["title"] == "Terms from 1 Jan 2040, 00:00 UTC"
    assert (promises["To the referrer"], promises["To the friend"]) == ("$10.00", "$5.00")
    assert (promises["State"], promises["Uses of one code"], promises["Budget"]) == (
        "to come",
        10,
        "unlimited",
    )
    assert "They start on 1 Jan 2040; nothing was paid by them yet." in text(page)


def test_the_page_of_terms_says_what_they_paid_and_what_is_left(
    fiona: Client, alice: Person
) -> None:
    terms = ProgramFactory.create(budget=Decimal(200))
    refer(alice, 5)
    for referral, status in zip(
        Referral.objects.all(), ("held", "disputed", "reversed", "voided"), strict=False
    ):
        turn(referral, status)

    page = page_of(fiona, terms)
    ProgramFactory.create()
    over = text(page_of(fiona, terms))

    assert dict(page.context["results"]) == {
        "Paid so far": "$20.00 for 1 referral",
        "Held for review": "$20.00",
        "Taken back": "$20.00, still reserved: a dispute that is won pays it again",
        "Taken back for good": "$20.00",
    }
    assert "<strong>$140.00</strong> of $200.00 left · $60.00 a day lately" in text(page)
    assert "At this rate it is spent in about 2 days" in text(page)
    assert "They are over" in over
    assert "<strong>$140.00</strong> of $200.00 left" in over
    assert "At this rate" not in over
