"""The desk's pages of adjustments and of the audit log: a preview, one deed, two people."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts import adjustment_rules as rules
from accounts.models import Adjustment
from accounts.tests.factories import Person, give, register
from accounts.tests.test_adjustments import approve, ask, fiona, sam

LIST = "/admin/accounts/adjustment/"
ADD = f"{LIST}add/"


def form(**changes: str) -> dict[str, str]:
    filled = {"user": "alice", "amount": "25", "category": "goodwill", "reason": "Waited"}
    return filled | {"token": str(uuid4())} | changes


def step(client: Client, adjustment: Adjustment, verb: str, reason: str = "Right") -> Any:
    answers = {"reason": reason, "token": str(uuid4())}
    return client.post(f"{LIST}{adjustment.pk}/{verb}/", answers, follow=True)


def status_of(adjustment: Adjustment) -> str:
    adjustment.refresh_from_db()
    return adjustment.status


@pytest.mark.parametrize(
    ("amount", "after", "shown"),
    [("25", "$25.00", "Post it"), ("100.01", "$100.01", "Waits for another person of Finance")],
)
def test_the_preview_says_what_it_would_do_and_does_nothing(
    support: Client, alice: Person, amount: str, after: str, shown: str
) -> None:
    page = support.post(ADD, form(amount=amount)).content.decode()

    assert f"$0.00 → {after}" in page
    assert shown in page
    assert not Adjustment.objects.exists()


def test_the_preview_says_when_it_is_the_limit_of_all(
    support: Client, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "ACCOUNTS_PER_DAY", 0)

    page = support.post(ADD, form()).content.decode()

    assert "adjust $0.00 in all accounts together by yourself today" in " ".join(page.split())


def test_confirmed_it_is_posted_once_however_often_it_is_clicked(
    support: Client, alice: Person
) -> None:
    sent = form(confirm="1")

    answers = [support.post(ADD, sent) for _ in range(3)]
    with_something_else = support.post(ADD, sent | {"amount": "26"})

    adjustment = Adjustment.objects.get()
    assert {answer["Location"] for answer in answers} == {f"{LIST}{adjustment.pk}/change/"}
    assert "This form was sent before" in with_something_else.content.decode()
    assert alice.balance() == "25.00"


NONSENSE: list[tuple[dict[str, str], str]] = [
    ({"amount": "-5"}, "The balance would be -$5.00; it is $0.00."),
    ({"amount": "0"}, "The amount must be up to $100,000.00, not 0."),
    ({"amount": "0.001"}, "no more than 2 decimal places"),
    ({"amount": "NaN"}, "Enter a number"),
    ({"user": "nobody"}, "Nobody has this name, e-mail, code or id."),
    ({"user": "sam"}, "You cannot adjust your own balance."),
    ({"reason": "  "}, "This field is required"),
    ({"reason": "\u200b"}, "Give a reason."),
    ({"category": "bribe"}, "Select a valid choice"),
]


@pytest.mark.parametrize("button", [{}, {"confirm": "1"}])
def test_nonsense_is_answered_in_words(
    support: Client, alice: Person, button: dict[str, str]
) -> None:
    """Also when somebody has taken another's address for a name."""
    register("alice@example.com")
    ambiguous = ({"user": "alice@example.com"}, f"may be #{alice.user.pk} alice, #")

    for changes, shown in [*NONSENSE, ambiguous]:
        page = support.post(ADD, form(**changes) | button)

        assert (page.status_code, shown in page.content.decode()) == (200, True), changes
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize(
    ("verb", "status", "balance"), [("approve", "posted", "250.00"), ("reject", "rejected", "0.00")]
)
def test_finance_decides_by_a_form_and_by_no_link(
    finance: Client, alice: Person, verb: str, status: str, balance: str
) -> None:
    waiting = ask(alice, "250.00")
    offered = finance.get(f"{LIST}{waiting.pk}/{verb}/")
    finance.get(f"{LIST}{waiting.pk}/{verb}-action/")
    before = status_of(waiting)

    step(finance, waiting, verb)

    assert (offered.status_code, before) == (200, "waiting")
    assert (status_of(waiting), alice.balance()) == (status, balance)


def test_the_requester_is_offered_to_withdraw_and_another_to_decide(
    support: Client, finance: Client, alice: Person
) -> None:
    page = f"{LIST}{ask(alice, '250.00').pk}/"

    offered = [
        [verb for verb in ("approve", "reject", "withdraw") if f"{page}{verb}/" in shown]
        for shown in (who.get(f"{page}change/").content.decode() for who in (support, finance))
    ]

    assert offered == [["withdraw"], ["approve", "reject"]]


def test_a_mistake_is_reversed_once(support: Client, alice: Person) -> None:
    adjustment = ask(alice, "25.00")

    first, second = (step(support, adjustment, "reverse") for _ in range(2))

    assert "Posted: -$25.00 for alice." in first.content.decode()
    assert alice.balance() == "0.00"
    assert "was reversed already" in second.content.decode()


def test_the_lists_cost_the_same_for_any_number(
    finance: Client, alice: Person, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        ask(alice, "1.00")

    for path in (LIST, f"{LIST}?status__exact=waiting", "/admin/accounts/auditentry/"):
        with django_assert_max_num_queries(8):
            assert finance.get(path).status_code == 200


def test_its_page_leaves_out_what_has_nothing_to_say_and_leads_to_entry_and_history(
    finance: Client, alice: Person
) -> None:
    give(alice, "5.00")
    adjustment = alice.user.adjustments.get()
    of_two = approve(ask(alice, "250.00"))

    page = finance.get(f"{LIST}{adjustment.pk}/change/").content.decode()
    history = finance.get(f"{LIST}{of_two.pk}/history/", follow=True)

    assert f"/admin/accounts/ledgerentry/{adjustment.ledger_entry_id}/change/" in page
    assert f"/admin/accounts/user/{alice.user.pk}/change/" in page
    assert not any(empty in page for empty in ("Taken back by", "Second person", "Decision note"))
    assert history.context["cl"].result_count == 2


@pytest.mark.parametrize(
    ("amount", "verb", "after"),
    [
        ("250.00", "approve", "$260.00"),
        ("250.00", "reject", "$10.00"),
        ("25.00", "reverse", "$10.00"),
        ("95.00", "reverse", "$10.00"),
        ("-10.00", "reverse", "$10.00"),
    ],
)
def test_the_question_says_what_the_balance_would_be(
    finance: Client, alice: Person, amount: str, verb: str, after: str
) -> None:
    give(alice, "10.00")
    adjustment = ask(alice, amount, by=fiona() if verb == "reverse" else sam())

    assert balance_after(finance, adjustment, verb) == after


def test_the_question_says_what_keeps_a_balance_from_being(finance: Client, alice: Person) -> None:
    ask(alice, "10.00", by=fiona())
    of_sam = ask(alice, "95.00")
    above_the_limit = balance_after(finance, of_sam, "reverse")
    ask(alice, "-90.00", by=fiona())

    assert above_the_limit == "$10.00, once another person approves"
    assert (
        balance_after(finance, of_sam, "reverse") == "The balance would be -$80.00; it is $15.00."
    )


def balance_after(client: Client, adjustment: Adjustment, verb: str) -> str:
    facts: dict[str, str] = dict(
        client.get(f"{LIST}{adjustment.pk}/{verb}/").context["question"].facts
    )
    return facts["Balance after"]
