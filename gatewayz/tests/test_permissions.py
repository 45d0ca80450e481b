"""What each page of the desk lets whom do: Support, Finance, who only looks, who may nothing."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admindocs.views import extract_views_from_urlpatterns
from django.contrib.auth.models import Permission
from django.db.models import Model, Q
from django.test import Client, RequestFactory
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from accounts.tests.factories import (
    StaffFactory,
    colleague,
    logged_in,
    member_of,
    operator,
)
from gatewayz.operators.staff_groups import FINANCE, MAY, SUPPORT
from gatewayz.tests.test_looking import READ_ONLY

# Every page, for everybody.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_of_everything")]

LOOKED_AT: list[type[Model]] = [User, *READ_ONLY, ProcrastinateJob]
OF_THE_OFFICE = ("auth", "axes", "otp_totp")
# What every member of the staff may open: oneself, and the way in and out.
FOR_ALL_STAFF = {
    "admin/",
    "admin/jsi18n/",
    "admin/login/",
    "admin/logout/",
    "admin/password_change/",
    "admin/password_change/done/",
    "admin/search/",
    "admin/second-factor/",
}


AS_JSON = {"Accept": "application/json"}
# Who does more than look, and where: the path, and the permission that opens it.
DOES = {
    "admin/accounts/adjustment/add/": "accounts.adjust_credits",
    "admin/accounts/adjustment/{row}/approve/": "accounts.approve_adjustment",
    "admin/accounts/adjustment/{row}/reject/": "accounts.approve_adjustment",
    "admin/accounts/adjustment/{row}/reverse/": "accounts.adjust_credits",
    "admin/accounts/adjustment/{row}/withdraw/": "accounts.adjust_credits",
    "admin/accounts/apikey/{row}/revoke/": "accounts.manage_keys",
    "admin/accounts/apikey/{row}/rotate/": "accounts.manage_keys",
    "admin/accounts/user/{row}/adjust/": "accounts.adjust_credits",
    "admin/accounts/user/{row}/related/": "referrals.review_referral",
    "admin/accounts/user/{row}/new_key/": "accounts.manage_keys",
    "admin/accounts/user/{row}/set_inviter/": "accounts.set_inviter",
    "admin/accounts/user/{row}/deactivate/": "accounts.deactivate_user",
    "admin/accounts/user/{row}/erase/": "accounts.erase_user",
    "admin/accounts/user/{row}/export_person/": "accounts.erase_user",
    "admin/accounts/user/{row}/reactivate/": "accounts.deactivate_user",
    "admin/payments/stripeevent/{row}/adjust/": "accounts.adjust_credits",
    "admin/payments/dailytotals/compare/": "accounts.export",
    **{
        f"admin/{name}/export/": "accounts.export"
        for name in (
            *("accounts/adjustment", "accounts/apikey", "accounts/auditentry"),
            *("accounts/ledgerentry", "accounts/user"),
            *("payments/clawback", "payments/dailytotals", "payments/payment"),
            *("payments/stripeevent", "referrals/leaderboardentry", "referrals/referral"),
        )
    },
    "admin/payments/stripeevent/{row}/replay/": "payments.replay_event",
    "admin/payments/stripeevent/{row}/resolve/": "payments.replay_event",
    "admin/referrals/program/add/": "referrals.add_program",
    "admin/referrals/program/{row}/withdraw/": "referrals.add_program",
    "admin/referrals/program/{row}/approve/": "accounts.approve_adjustment",
    "admin/referrals/program/{row}/reject/": "accounts.approve_adjustment",
}
# Pages to read, beside the lists and the histories.
READ = ("statement/", "why/", "review/")
# What is done to the selected rows of a list, and the permission for it; None: superusers alone.
ACTIONS_OF_LISTS = {
    "replay_selected": "payments.replay_event",
    "resolve_selected": "payments.replay_event",
    "release": "referrals.review_referral",
    "void": "referrals.review_referral",
    "dismiss": None,
}
# Who may change users, groups and permissions, and is no superuser.
EVERYTHING_OF_STAFF = Q(content_type__app_label__in=["accounts", "auth"])


# Every path of the desk, with `{row}` for what it shows.
PATHS = [
    re.sub(r"<[^>]+>", "{row}", str(path))
    for _, path, *_ in extract_views_from_urlpatterns(admin.site.get_urls(), "admin/")
    if not re.search(r"[\^$]|/r/|<path:object_id>/\Z", str(path))
]
CLOSED = sorted(set(PATHS) - FOR_ALL_STAFF)
ONLY_SHOWN = [
    path
    for path in CLOSED
    if re.fullmatch(r"admin/\w+/\w+/(.*history/)?", path) or path.endswith(READ)
]
CHANGING = [path for path in CLOSED if path not in ONLY_SHOWN]
OFFICE = [path for path in CLOSED if path.split("/")[1] in OF_THE_OFFICE]


def staff(permissions: Iterable[Permission] = ()) -> Client:
    """Return the browser of somebody of the staff who has these permissions and no group."""
    user = StaffFactory.create(username="nina")
    user.user_permissions.set(permissions)
    return logged_in(user)


def real(path: str) -> str:
    """Return the path with a row that is there."""
    if "{row}" not in path:
        return f"/{path}"
    _, app, model, *_ = path.split("/")
    row = apps.get_model(app, model)._default_manager.order_by("pk").first()
    return "/" + path.format(row=row.pk if row else 1)


def not_refused(ask: Callable[..., Any], paths: Iterable[str]) -> dict[str, int]:
    """Ask for each of these pages, and return those that are not refused, with their status."""
    # As JSON, since to draw the page of a refusal takes ten times as long as to refuse.
    answers = {path: ask(real(path), headers=AS_JSON).status_code for path in paths}
    return {path: status for path, status in answers.items() if status not in (403, 405)}


def test_staff_without_permissions_open_nothing() -> None:
    nina = staff()

    assert not_refused(nina.get, CLOSED) == {}
    assert not_refused(nina.post, CLOSED) == {}


def test_who_may_look_at_everything_changes_nothing() -> None:
    nina = staff(Permission.objects.filter(codename__startswith="view_"))

    assert not_refused(nina.post, CHANGING) == {}


@pytest.mark.parametrize("group", [SUPPORT, FINANCE])
def test_both_groups_look_at_whatever_is_ours(group: str) -> None:
    browser = colleague(group)
    pages = [f"admin/{model._meta.app_label}/{model._meta.model_name}/" for model in LOOKED_AT]

    shown = [*pages, *(f"{page}{{row}}/change/" for page in pages)]

    assert {path: browser.get(real(path)).status_code for path in shown} == dict.fromkeys(
        shown, 200
    )


@pytest.mark.parametrize("group", [SUPPORT, FINANCE])
def test_a_group_does_what_it_has_the_permission_for_and_nothing_else(group: str) -> None:
    browser = colleague(group)
    others = [path for path in CHANGING if path not in DOES]

    office = {path: browser.get(real(path), headers=AS_JSON).status_code for path in OFFICE}
    changed, allowed = not_refused(browser.post, others), not_refused(browser.post, DOES)

    assert office == dict.fromkeys(OFFICE, 403)
    assert changed == {}
    assert set(allowed) == {path for path, permission in DOES.items() if permission in MAY[group]}


@pytest.mark.parametrize("group", [SUPPORT, FINANCE])
def test_a_list_offers_the_actions_that_the_group_has_the_permission_for(
    group: str, rf: RequestFactory
) -> None:
    boss = User(is_staff=True, is_superuser=True)

    assert actions_for(boss, rf) == set(ACTIONS_OF_LISTS)
    assert actions_for(member_of(group), rf) == {
        name for name, permission in ACTIONS_OF_LISTS.items() if permission in MAY[group]
    }


def actions_for(user: User, rf: RequestFactory) -> set[str]:
    """Return the names of all actions that the lists offer to this operator."""
    request = rf.get("/admin/")
    request.user = user
    return {name for page in admin.site._registry.values() for name in page.get_actions(request)}


def test_a_superuser_looks_after_the_office() -> None:
    browser, lists = operator(), [path for path in OFFICE if path.count("/") == 3]

    assert {browser.get(real(path)).status_code for path in lists} == {200}


@pytest.mark.parametrize("group", [SUPPORT, FINANCE, None])
def test_nobody_makes_themselves_a_superuser(group: str | None) -> None:
    browser = colleague(group) if group else staff(Permission.objects.filter(EVERYTHING_OF_STAFF))
    me = User.objects.get(pk=browser.session["_auth_user_id"])
    form = {"username": me.username, "email": me.email, "auth_method": "email", "is_active": "on"}

    browser.post(
        f"/admin/accounts/user/{me.pk}/change/",
        form | {"is_staff": "on", "is_superuser": "on", "groups": [1, 2]},
    )

    me.refresh_from_db()
    assert not me.is_superuser
    assert [each.name for each in me.groups.all()] == ([group] if group else [])


def test_the_sidebar_shows_what_one_may_open() -> None:
    pages = [colleague(SUPPORT).get("/admin/"), operator().get("/admin/")]

    shown = ["Locked log-ins" in page.content.decode() for page in pages]
    assert shown == [False, True]
    assert all("Ledger" in page.content.decode() for page in pages)
