"""Support and Finance may do what their work needs, and nothing more."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet

from gatewayz.operators.staff_groups import FINANCE, MAY, SUPPORT, ensure_groups

APP = "content_type__app_label"


def names(permissions: QuerySet[Permission]) -> set[str]:
    return {f"{app}.{name}" for app, name in permissions.values_list(APP, "codename")}


def held_by(name: str) -> set[str]:
    return names(Permission.objects.filter(group__name=name))


@pytest.mark.django_db
@pytest.mark.parametrize("name", [SUPPORT, FINANCE])
def test_a_group_looks_at_everything_of_ours_and_does_what_it_is_told(name: str) -> None:
    looks = {held for held in held_by(name) if held.partition(".")[2].startswith("view_")}

    assert held_by(name) - looks == MAY[name]
    assert {"accounts.view_user", "payments.view_stripeevent"} < looks
    apps = {held.partition(".")[0] for held in looks}
    assert apps == {"accounts", "referrals", "payments", "procrastinate"}


@pytest.mark.django_db
def test_another_migrate_takes_away_what_is_not_the_groups() -> None:
    support = Group.objects.get(name=SUPPORT)
    before = held_by(SUPPORT)
    support.permissions.add(Permission.objects.get(codename="change_user"))
    support.permissions.remove(Permission.objects.get(codename="view_payment"))

    ensure_groups(using="default")

    assert held_by(SUPPORT) == before
    assert Group.objects.count() == 2
