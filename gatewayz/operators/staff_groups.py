"""The two groups of operators, Support and Finance, with exactly the permissions that they need.

Staff, groups and permissions are managed by superusers alone: neither group has anything of
`auth`, nor may it change a user. Both see failed jobs, which the dashboard counts.
"""

from typing import Any

from django.apps import apps as every_app
from django.apps.registry import Apps
from django.db.models import Q

# The apps owned_by rows both groups may view.
_OUR_APPS = ("accounts", "referrals", "payments")

SUPPORT = "Support"
FINANCE = "Finance"

# What a group may do besides viewing, as `app.codename`.
MAY = {
    SUPPORT: {
        "accounts.adjust_credits",
        "accounts.deactivate_user",
        "accounts.manage_keys",
        "accounts.set_inviter",
    },
    FINANCE: {
        "accounts.adjust_credits",
        "accounts.approve_adjustment",
        "accounts.deactivate_user",
        "accounts.erase_user",
        "accounts.export",
        "payments.replay_event",
        "referrals.add_program",
        "referrals.review_referral",
    },
}


def ensure_groups(*, using: str, apps: Apps = every_app, **_: Any) -> None:
    """Create the groups, or reset their permissions; runs after each `migrate`.

    It runs when Django's own `auth` is migrated, which is after the apps of these permissions.
    """
    groups = apps.get_model("auth", "Group")._default_manager.using(using)
    permissions = apps.get_model("auth", "Permission")._default_manager.using(using)
    looking = Q(content_type__app_label__in=_OUR_APPS, codename__startswith="view_")
    looking |= Q(content_type__app_label="procrastinate", codename="view_procrastinatejob")
    for name, extra in MAY.items():
        wanted = looking
        for permission in extra:
            app, codename = permission.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        group, _created = groups.get_or_create(name=name)
        group.permissions.set(permissions.filter(wanted))
