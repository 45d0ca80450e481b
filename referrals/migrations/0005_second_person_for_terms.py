"""Terms that cost more than one operator may spend alone wait for a second person."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

PROMISES = (
    "referrer_bonus, referee_bonus, minimum_purchase, max_uses, code_length, offer_days, budget"
)

# `status` and who decided change once; a start moves only when they do, and never to the past.
STAND = f"""
DROP TRIGGER programs_stand ON programs;
CREATE TRIGGER programs_stand
    BEFORE UPDATE OF {PROMISES}, requested_by_id, requested_at ON programs FOR EACH ROW
    EXECUTE FUNCTION refuse_change('programs_stand',
        'terms are never edited: add the next ones');

CREATE TRIGGER programs_decided_once
    BEFORE UPDATE OF starts_at, status, decided_by_id, decided_at, decision_note
    ON programs FOR EACH ROW
    WHEN (OLD.status <> 'waiting' OR NEW.status = 'waiting' OR NEW.starts_at < OLD.starts_at)
    EXECUTE FUNCTION refuse_change('programs_decided_once',
        'terms are decided on once, and never edited: add the next ones');

DROP TRIGGER programs_stay ON programs;
CREATE TRIGGER programs_stay
    BEFORE DELETE ON programs FOR EACH ROW
    WHEN (OLD.status = 'approved' AND OLD.starts_at <= clock_timestamp() OR OLD.status = 'rejected')
    EXECUTE FUNCTION refuse_change('programs_stand',
        'terms that have started are never deleted: add the next ones');
"""

STOOD = f"""
DROP TRIGGER programs_decided_once ON programs;
DROP TRIGGER programs_stand ON programs;
CREATE TRIGGER programs_stand
    BEFORE UPDATE OF starts_at, {PROMISES} ON programs FOR EACH ROW
    EXECUTE FUNCTION refuse_change('programs_stand',
        'terms are never edited: add the next ones');

DROP TRIGGER programs_stay ON programs;
-- Without the column they would be in force.
DELETE FROM programs WHERE status <> 'approved';
SET CONSTRAINTS ALL IMMEDIATE;
CREATE TRIGGER programs_stay
    BEFORE DELETE ON programs FOR EACH ROW WHEN (OLD.starts_at <= clock_timestamp())
    EXECUTE FUNCTION refuse_change('programs_stand',
        'terms that have started are never deleted: add the next ones');
"""

# Without a budget terms cost any sum. The limit is the one for adjustments. The first terms of a
# database come from its environment and need nobody.
ALONE = """
CREATE FUNCTION programs_check_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.budget IS NULL
        OR NEW.budget > COALESCE((SELECT amount FROM approval_limits), 0)
        OR NEW.referrer_bonus + NEW.referee_bonus > 2 * NEW.minimum_purchase)
        AND EXISTS (SELECT FROM programs WHERE id <> NEW.id)
    THEN
        RAISE EXCEPTION 'terms with a budget of % take two people', COALESCE(NEW.budget::text, 'any')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_alone_within_the_limit';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER programs_alone_within_the_limit
    AFTER INSERT OR UPDATE OF status, decided_by_id ON programs
    FOR EACH ROW WHEN (NEW.status = 'approved' AND NEW.decided_by_id IS NULL)
    EXECUTE FUNCTION programs_check_alone();

CREATE TRIGGER programs_decider_may
    BEFORE INSERT OR UPDATE OF decided_by_id ON programs
    FOR EACH ROW WHEN (NEW.decided_by_id IS NOT NULL)
    EXECUTE FUNCTION adjustments_check_decider();
"""

NOT_ALONE = """
DROP TRIGGER programs_decider_may ON programs;
DROP FUNCTION programs_check_alone() CASCADE;
"""


def person() -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        editable=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    # The table has few rows, ever: nothing here takes long.
    dependencies = [
        ("accounts", "0015_approval_limit"),
        ("referrals", "0004_no_index_of_earnings"),
    ]

    operations = [
        migrations.AddField(
            "program",
            "status",
            models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("approved", "Approved"),
                    ("rejected", "Rejected"),
                ],
                db_default="approved",
                default="approved",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.AddField("program", "requested_by", person()),
        migrations.AddField(
            "program", "requested_at", models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddField("program", "decided_by", person()),
        migrations.AddField(
            "program", "decided_at", models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddField(
            "program",
            "decision_note",
            models.CharField(blank=True, db_default="", editable=False, max_length=500),
        ),
        migrations.RunSQL(STAND, STOOD),
        migrations.AlterField(
            "program", "starts_at", models.DateTimeField(default=django.utils.timezone.now)
        ),
        migrations.AddConstraint(
            "program",
            models.UniqueConstraint(
                condition=models.Q(("status", "rejected"), _negated=True),
                fields=("starts_at",),
                name="programs_start_once",
            ),
        ),
        migrations.AddConstraint(
            "program",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at__isnull", True),
                        ("decided_by__isnull", True),
                        models.Q(("status", "rejected"), _negated=True),
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        models.Q(("status", "waiting"), _negated=True),
                        ("decision_note__regex", "\\S"),
                    ),
                    _connector="OR",
                ),
                name="programs_decided_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            "program",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_by__isnull", True), ("status", "approved")),
                    models.Q(
                        ("requested_by__isnull", False),
                        models.Q(("decided_by", models.F("requested_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="programs_decided_by_another",
            ),
        ),
        migrations.AddConstraint(
            "program",
            models.CheckConstraint(
                condition=models.Q(
                    ("starts_at__gte", models.F("decided_at")),
                    ("decided_at__isnull", True),
                    models.Q(("status", "approved"), _negated=True),
                    _connector="OR",
                ),
                name="programs_start_once_approved",
            ),
        ),
        migrations.RunSQL(ALONE, NOT_ALONE),
    ]
