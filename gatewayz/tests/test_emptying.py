"""What a test commits is gone before the next, and the desk's groups are as `migrate` made them."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection

from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person
from accounts.tests.roles import as_owner
from gatewayz.operators.staff_groups import MAY
from gatewayz.tests.emptying import DELETE_ALL_ROWS
from payments.tests.stripe_events import settle
from referrals.models import Referral

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_removes_every_row_and_switches_the_guards_on_again(bob: Person) -> None:
    settle(bob.user)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(DELETE_ALL_ROWS)
        cursor.execute("SHOW session_replication_role")
        role = cursor.fetchone()

    assert [model.objects.count() for model in (User, LedgerEntry, Referral, Group)] == [0] * 4
    assert Permission.objects.exists()
    assert role == ("origin",)


def test_the_groups_are_there_again() -> None:
    assert {group.name for group in Group.objects.all()} == {*MAY}
    assert not User.objects.exists()
