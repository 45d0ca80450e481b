"""A database error names the violated constraint."""

import pytest
from django.db import IntegrityError, transaction

from accounts import constraints
from accounts.tests.factories import Person, UserFactory


def test_it_names_the_violated_constraint(alice: Person) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        UserFactory.create(referral_code=alice.code)

    assert constraints.violated(error.value).startswith("users_referral_code")


def test_a_not_null_violation_has_no_name(alice: Person) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        alice.change(email=None)

    assert constraints.violated(error.value) == ""


def test_an_error_from_elsewhere_has_no_name() -> None:
    assert constraints.violated(IntegrityError("made up")) == ""
