"""A refusal of the database says by which constraint."""

import pytest
from django.db import IntegrityError, transaction

from accounts import constraints
from accounts.models import User
from accounts.tests.factories import Person


def test_it_names_the_constraint_that_refused(alice: Person) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        User.objects.create(username="dave", email="d@example.com", referral_code=alice.code)

    assert constraints.violated(refusal.value).startswith("users_referral_code")


def test_a_column_that_may_not_be_empty_has_no_name(alice: Person) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        User.objects.filter(pk=alice.user.pk).update(email=None)

    assert constraints.violated(refusal.value) == ""


def test_an_error_that_is_not_the_databases_names_none() -> None:
    assert constraints.violated(IntegrityError("made up")) == ""
