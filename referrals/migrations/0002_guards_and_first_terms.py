"""Terms that have started stay as they are; a new database begins with those of its environment."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# What was promised is not rewritten; only `reserved` changes, and terms yet to start may go.
TERMS_STAND = """
CREATE TRIGGER programs_stand
    BEFORE UPDATE OF starts_at, referrer_bonus, referee_bonus, minimum_purchase, max_uses,
                     code_length, budget ON programs FOR EACH ROW
    EXECUTE FUNCTION refuse_change('programs_stand',
        'terms are never edited: add the next ones');

CREATE TRIGGER programs_stay
    BEFORE DELETE ON programs FOR EACH ROW WHEN (OLD.starts_at <= clock_timestamp())
    EXECUTE FUNCTION refuse_change('programs_stand',
        'terms that have started are never deleted: add the next ones');
"""

DROP_TERMS_STAND = """
DROP TRIGGER programs_stay ON programs;
DROP TRIGGER programs_stand ON programs;
"""

# Before anything that can happen here: the first terms hold from the beginning.
THE_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def begin(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the first terms from the environment (CONTRACT 4)."""
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
    dependencies = [("accounts", "0002_guards"), ("referrals", "0001_initial")]

    operations = [
        migrations.RunSQL(TERMS_STAND, DROP_TERMS_STAND),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
