"""Support and Finance may do what their work needs, and nothing more."""

import pytest
from django.contrib.auth.models import Group, Permission

from gatewayz.operators.staff_groups import FINANCE, MAY, SUPPORT, ensure_groups


def held_by(name: str) -> set[str]:
    found = Permission.objects.filter(group__name=name)
    return {f"{app}.{one}" for app, one in found.values_list("content_type__app_label", "codename")}


@pytest.mark.django_db
@pytest.mark.parametrize("name", [SUPPORT, FINANCE])
def test_a_group_looks_at_all_of_ours_and_does_what_it_may_again_after_each_migrate(
    name: str,
) -> None:
    before = held_by(name)
    group = Group.objects.get(name=name)
    group.permissions.add(Permission.objects.get(codename="change_user"))
    group.permissions.remove(Permission.objects.get(codename="view_payment"))

    ensure_groups(using="default")

    looks = {held for held in held_by(name) if held.partition(".")[2].startswith("view_")}
    assert held_by(name) == before == MAY[name] | looks
    assert {"accounts.view_user", "payments.view_payment"} < looks
    apps = {held.partition(".")[0] for held in looks}
    assert apps == {"accounts", "referrals", "payments", "procrastinate"}
    assert Group.objects.count() == 2
