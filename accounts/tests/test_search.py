"""An operator finds a person by whatever the person has at hand; no list reads a whole table."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import Client, RequestFactory

from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person, give, register
from accounts.tests.roles import as_owner
from gatewayz.adminbase.model_admin import ModelAdmin
from payments.models import Payment
from payments.tests.stripe_events import deliver, refund, settle

PEOPLE = "/admin/accounts/user/"


@pytest.fixture
def purchase(bob: Person, charlie: Person) -> Payment:
    """Bob's, refunded in part."""
    payment = settle(bob.user)
    deliver(refund(payment, 100))
    return payment


def found(office: Client, term: str, page: str = PEOPLE) -> list[Any]:
    return list(office.get(page, {"q": term}).context["cl"].result_list)


@pytest.mark.parametrize(
    "term", ["ROBERTA", " roberta ", "bert", "erta@exam", "ta@example.com", "a@e"]
)
@pytest.mark.usefixtures("charlie")
def test_a_person_is_found_by_any_part(office: Client, term: str) -> None:
    roberta = register("roberta").user

    is_part_found = term != "a@e"  # no three letters in a row: only a beginning
    assert found(office, term) == ([roberta] if is_part_found else [])


@pytest.mark.parametrize("name", ["мария", "日本語の人"])
def test_a_person_of_any_script_is_found_by_any_part(office: Client, name: str) -> None:
    person = User.objects.create_user(name, "someone@example.com")

    assert found(office, name[1:-1]) == [person]


@pytest.mark.parametrize(
    "known_as",
    [
        lambda purchase: f" {purchase.user.referral_code.lower()} ",
        lambda purchase: str(purchase.user_id),
        lambda purchase: purchase.session_id,
        lambda purchase: purchase.payment_intent_id,
        lambda purchase: purchase.clawbacks.get().stripe_id,
        lambda purchase: purchase.stripe_events.earliest("pk").event_id,
    ],
)
def test_a_person_is_found_by_code_id_and_what_stripe_names(
    office: Client, purchase: Payment, known_as: Callable[[Payment], str]
) -> None:
    assert found(office, known_as(purchase)) == [purchase.user]


@pytest.mark.parametrize(
    "page", [PEOPLE, "/admin/accounts/apikey/", "/admin/accounts/ledgerentry/"]
)
def test_of_a_pasted_key_only_the_beginning_is_kept(office: Client, bob: Person, page: str) -> None:
    response = office.get(page, {"q": f"it is {bob.api_key}", "p": "1"})

    assert response.status_code == 302
    assert response["Location"] == f"{page}?q=it+is+{bob.api_key[:12]}&p=1"


def test_an_entry_is_found_by_stripes_id(office: Client, purchase: Payment) -> None:
    clawback = purchase.clawbacks.get()
    terms = map(str, (purchase.session_id, purchase.payment_intent_id, clawback.stripe_id))

    kinds = [found(office, term, "/admin/accounts/ledgerentry/")[0].kind for term in terms]

    assert kinds == ["purchase", "purchase", "refund"]


@pytest.mark.usefixtures("purchase")
@pytest.mark.parametrize("term", ["bo", "bob", "Bob@exam"])
def test_what_belongs_to_a_person_is_found_by_a_beginning(
    office: Client, bob: Person, term: str
) -> None:
    keys = found(office, term, "/admin/accounts/apikey/")
    entries = found(office, term, "/admin/accounts/ledgerentry/")

    is_enough = len(term) > 2
    assert ([key.user for key in keys] == [bob.user]) is is_enough
    assert ({entry.user for entry in entries} == {bob.user}) is is_enough
    prefix = bob.api_key[:12]
    assert found(office, prefix) == [bob.user]
    assert found(office, prefix, "/admin/accounts/apikey/") == [bob.user.api_keys.get()]


@pytest.mark.parametrize(
    "page", [PEOPLE, "/admin/accounts/apikey/", "/admin/accounts/ledgerentry/"]
)
def test_nonsense_and_patterns_find_nothing(office: Client, page: str) -> None:
    register("alice")

    patterns = ("a%e", "al_ce", "al\\ce", "%%%", "___", "al")
    for term in ("9" * 18, "9" * 5000, "cs_", "ſſſ", "💸", "'; --", *patterns):
        assert found(office, term, page) == [], term


SEARCHED = [
    page
    for page in site._registry.values()
    if isinstance(page, ModelAdmin) and page.search_help_text
]


@pytest.mark.parametrize("term", ["alice", "ABC12345", "77", "gw_live_abcd"])
def test_a_search_reads_no_whole_table(db: None, term: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    for page in SEARCHED:
        rows = page.model._default_manager.order_by().values("pk")
        plans = [
            json.loads(rows.filter(condition).explain(format="json"))
            for condition in page.found_by(term)
        ]

        assert plans, page
        assert "Seq Scan" not in str(plans), page


def test_who_is_in_debt_is_found_by_the_entry_that_says_so(office: Client, bob: Person) -> None:
    payment = settle(bob.user)
    give(bob, "-15.00")
    deliver(refund(payment, 1000))

    shown = office.get("/admin/accounts/user/", {"balance": "debt"}).context["cl"].result_list

    assert [(user.username, str(user.credits)) for user in shown] == [("bob", "-15.00")]


# Autovacuum may have counted the few rows of an earlier test, and few rows any index gives.
FORGET_ROWS = """
WITH relations (relation) AS (
    SELECT %s::regclass::oid
    UNION SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass
), forgotten AS (DELETE FROM pg_statistic USING relations WHERE starelid = relation)
UPDATE pg_class SET relpages = 0, reltuples = -1 FROM relations WHERE oid = relation
"""


def plan_of(model: type[LedgerEntry] | type[User], query: str) -> str:
    """Return the plan of a page of the list, as for a large table."""
    request = RequestFactory().get(query)
    request.user = User(is_superuser=True, is_staff=True)
    changes = site._registry[model].get_changelist_instance(request)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(FORGET_ROWS, [model._meta.db_table] * 2)
        # A small table is read whole.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    return str(changes.queryset[:51].explain())


@pytest.mark.parametrize(
    ("model", "query", "index"),
    [
        (LedgerEntry, "kind=bonus", "ledger_bonuses"),
        (LedgerEntry, "kind=referrer_bonus", "ledger_bonuses"),
        (LedgerEntry, "kind=refund", "ledger_rare_kinds"),
        (LedgerEntry, "kind=adjustment", "ledger_rare_kinds"),
        (User, "is_active__exact=0", "users_deactivated"),
        (User, "is_staff__exact=1", "users_staff"),
    ],
)
def test_what_a_filter_asks_has_an_index(db: None, model: Any, query: str, index: str) -> None:
    assert index in plan_of(model, f"/?{query}")


@pytest.mark.parametrize("last", ["2026-05-02", "2026-08-01"])
def test_people_of_a_period_are_read_by_their_age(db: None, last: str) -> None:
    plan = plan_of(User, f"/?created_at_from=2026-05-01&created_at_to={last}")

    assert "Index Scan Backward using users_by_age" in plan
