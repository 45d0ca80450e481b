"""Before an adjustment is decided on or reversed, its page says what the balance would be."""

import pytest
from django.test import Client

from accounts.tests.factories import Person, colleague, give
from accounts.tests.test_adjustments import ask, fiona, sam

LIST = "/admin/accounts/adjustment/"


@pytest.fixture
def finance(db: None) -> Client:
    return colleague("Finance")


@pytest.mark.parametrize(
    ("amount", "verb", "after"),
    [
        ("250.00", "approve", "$260.00"),
        ("250.00", "reject", "$10.00"),
        ("25.00", "reverse", "$10.00"),
        ("95.00", "reverse", "$10.00, once another person approves"),
        ("-10.00", "reverse", "$10.00"),
    ],
)
def test_the_question_says_what_the_balance_would_be(
    finance: Client, alice: Person, amount: str, verb: str, after: str
) -> None:
    give(alice, "10.00")
    adjustment = ask(alice, amount, by=fiona() if verb == "reverse" else sam())

    page = finance.get(f"{LIST}{adjustment.pk}/{verb}/")

    assert dict(page.context["question"].facts)["Balance after"] == after


def test_the_question_says_why_a_balance_cannot_be(finance: Client, alice: Person) -> None:
    adjustment = ask(alice, "25.00")
    ask(alice, "-25.00")

    page = finance.get(f"{LIST}{adjustment.pk}/reverse/").content.decode()

    assert "The balance would be -$25.00; it is $0.00." in page
