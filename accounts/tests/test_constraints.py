"""A database error names the violated constraint, if there is one."""

import pytest
from django.db import IntegrityError, transaction

from accounts import constraints
from accounts.tests.factories import Person


def test_an_error_without_a_constraint_has_no_name(alice: Person) -> None:
    with pytest.raises(IntegrityError) as of_a_column, transaction.atomic():
        alice.change(email=None)

    for error in (of_a_column.value, IntegrityError("made up")):
        assert constraints.violated(error) == ""
