"""The terms that a new database begins with, from the environment (CONTRACT 4)."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Before anything that can happen here: the first terms hold from the beginning.
THE_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def begin(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    programs = apps.get_model("referrals", "Program").objects.using(schema_editor.connection.alias)
    terms = {
        "referrer_bonus": settings.REFERRAL_BONUS,
        "referee_bonus": settings.REFERRAL_BONUS,
        "minimum_purchase": settings.REFERRAL_MIN_PURCHASE,
        "max_uses": settings.REFERRAL_MAX_USES,
        "code_length": 8,
    }
    # Unapplying leaves the row, which referrals may point at by then.
    programs.get_or_create(starts_at=THE_BEGINNING, defaults=terms)


class Migration(migrations.Migration):
    dependencies = [("referrals", "0001_initial")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
