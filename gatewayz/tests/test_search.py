"""The search field of every page of the desk finds people and things by what is known."""

from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.tests.factories import Person, StaffFactory, colleague, logged_in, operator, register
from payments.models import Payment
from payments.tests.stripe_events import deliver, refund, settle

SEARCH = "/admin/search/"
AS_ONE_TYPES = {"HX-Request": "true"}


@pytest.fixture
def office(db: None) -> Client:
    return operator()


@pytest.fixture
def purchase(bob: Person, charlie: Person) -> Payment:
    """Bob's, refunded in part."""
    payment = settle(bob.user)
    deliver(refund(payment, 100))
    return payment


def links(browser: Client, term: str) -> list[str]:
    """Return where what is shown below the field leads."""
    page = browser.get(SEARCH, {"s": term}, headers=AS_ONE_TYPES).context
    return [hit.link for hit in page["hits"]]


def page_of(model: str, pk: int) -> str:
    return f"/admin/{model}/{pk}/change/"


def test_whatever_is_known_leads_there(office: Client, purchase: Payment) -> None:
    bob, refund = purchase.user, purchase.clawbacks.get()
    paid, entry = purchase.stripe_events.earliest("pk"), purchase.ledger_entry_id
    session, intent = str(purchase.session_id), str(purchase.payment_intent_id)
    known = {
        page_of("accounts/user", bob.pk): (
            *(bob.email[1:9], str(bob.referral_code).lower(), f"#{bob.pk}", session),
        ),
        page_of("payments/payment", purchase.pk): (
            *(f"#{purchase.pk}", session, intent, refund.stripe_id),
        ),
        page_of("payments/clawback", refund.pk): (refund.stripe_id,),
        page_of("payments/stripeevent", paid.pk): (paid.event_id,),
        page_of("accounts/ledgerentry", entry or 0): (f"#{entry}",),
    }

    for page, texts in known.items():
        for typed in texts:
            assert page in links(office, typed), typed


def test_a_key_leads_to_it_and_its_owner_and_stays_out_of_the_address(
    office: Client, bob: Person
) -> None:
    key = page_of("accounts/apikey", bob.user.api_keys.get().pk)

    assert links(office, bob.api_key) == [page_of("accounts/user", bob.user.pk), key]
    assert office.get(SEARCH, {"s": bob.api_key})["Location"] == f"{SEARCH}?s={bob.api_key[:12]}"


@pytest.mark.usefixtures("charlie")
def test_what_can_mean_one_thing_only_is_opened_at_once(office: Client, bob: Person) -> None:
    register("not-bob")
    page = page_of("accounts/user", bob.user.pk)

    for typed in ("bob", "BOB@example.com", bob.code):
        assert office.get(SEARCH, {"s": typed})["Location"] == page
    assert office.get(SEARCH, {"s": "exampl"}).status_code == 200
    assert office.get(SEARCH, {"s": "review"})["Location"] == "/admin/referrals/referral/review/"


def test_of_many_the_most_likely_come_first(office: Client, bob: Person) -> None:
    names = ["abob", "bobby", *(f"x{n}bob" for n in range(30))]
    for name in names:
        register(name)

    page = office.get(SEARCH, {"s": "bob"}, headers=AS_ONE_TYPES)

    assert [hit.title for hit in page.context["hits"]][:2] == ["bob", "bobby"]
    assert len(page.context["hits"]) == 10


HOSTILE = ["9" * 18, "9" * 5000, "#", "#x", "cs_", "ſſſ", "💸" * 200, "'; --", "\0", "a\0b", "%%%"]


def test_nothing_that_one_can_type_is_an_error(office: Client, bob: Person) -> None:
    for typed in (*HOSTILE, "___", "\\" * 99, "<script>", "\ud800x", "gw_live_", ""):
        asked = quote(typed, errors="surrogatepass")

        assert office.get(f"{SEARCH}?s={asked}").status_code == 200, typed
        shown = office.get(f"{SEARCH}?s={asked}", headers=AS_ONE_TYPES)
        assert shown.status_code == 200, typed
        assert shown.context["hits"] == [], typed


def test_it_shows_what_one_may_see_and_costs_few_queries(
    office: Client, purchase: Payment, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    session = str(purchase.session_id)
    newcomer = logged_in(StaffFactory.create(username="newcomer"))

    assert links(newcomer, session) == []
    assert links(colleague("Support"), session) != []
    for typed in ("bob", session, f"#{purchase.pk}"):
        with django_assert_max_num_queries(8):
            office.get(SEARCH, {"s": typed}, headers=AS_ONE_TYPES)
