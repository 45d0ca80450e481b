"""Makes rows of the referrals app for tests."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from factory.declarations import LazyFunction, SelfAttribute, SubFactory, Trait
from factory.django import DjangoModelFactory

from accounts.tests.factories import StaffFactory
from referrals.models import Program


class ProgramFactory(DjangoModelFactory[Program]):
    """The wiki's terms, approved and in force from now on; with `is_future` from tomorrow."""

    class Meta:
        model = Program

    class Params:
        is_future = Trait(starts_at=LazyFunction(lambda: timezone.now() + timedelta(days=1)))

    starts_at = LazyFunction(timezone.now)
    referrer_bonus = Decimal("10.00")
    referee_bonus = Decimal("10.00")
    minimum_purchase = Decimal("10.00")
    max_uses = 10
    requested_by = SubFactory(StaffFactory, username="theo", is_superuser=True)
    decided_by = SubFactory(StaffFactory, username="tara", is_superuser=True)
    decided_at = SelfAttribute("starts_at")
    decision_note = "For a test"
