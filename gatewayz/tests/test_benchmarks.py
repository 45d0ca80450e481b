"""What `./dev bench` measures is real: its rows obey the books, its requests are answered."""

from django.db.models import Model

from accounts.models import Adjustment, LedgerEntry, User
from accounts.tests.factories import api_with
from gatewayz.benchmarks import loader
from gatewayz.benchmarks.loader import FRIENDS, Size, key_of
from payments.models import Clawback, Payment, StripeEvent
from payments.reports.invariants import breaches
from referrals.models import Referral

# Lists are filtered by these.
COLUMNS: list[tuple[type[Model], str]] = [
    *((Payment, "status"), (Payment, "bonus_decision"), (Referral, "status")),
    *((Clawback, "status"), (Adjustment, "status"), (StripeEvent, "outcome")),
]


def test_loaded_rows_obey_every_invariant_and_a_loaded_person_can_ask(owner: None) -> None:
    loader.load(Size(people=40, purchases_each=3, referrers=2))
    loader.add_keys(1, 2)

    stats = api_with(key_of(1)).get("/referral/stats").json()

    assert breaches() == []
    assert User.objects.count() == 40
    assert Payment.objects.count() == 120
    assert Referral.objects.count() == 2 * FRIENDS
    assert LedgerEntry.objects.count() == 120 + 2 * 2 * FRIENDS
    assert (stats["total_uses"], len(stats["referrals"])) == (FRIENDS, FRIENDS)
    assert stats["total_earned"] == FRIENDS * 10


def test_varied_rows_obey_every_invariant_and_have_every_value(owner: None) -> None:
    loader.load(Size.of(2000), is_varied=True)

    assert breaches() == []
    for model, column in COLUMNS:
        there = model._default_manager.values_list(column, flat=True).distinct()
        choices = getattr(model._meta.get_field(column), "choices", ())
        assert set(there) - {""} == {value for value, _ in choices}, column
