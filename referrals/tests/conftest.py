"""Who decides at the desk, and what waits for it."""

import pytest
from django.test import Client

from accounts.tests.factories import Person, colleague
from payments.tests.stripe_events import settle, turn
from referrals.models import Referral


@pytest.fixture
def fiona(db: None) -> Client:
    return colleague("Finance")


@pytest.fixture
def held(bob: Person) -> Referral:
    settle(bob.user)
    turn(Referral.objects.get(), "held")
    return Referral.objects.get()
