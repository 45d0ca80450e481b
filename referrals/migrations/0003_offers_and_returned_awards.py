"""Terms say for how long they bind us, and a referral whether its award is in their budget."""

import django.core.validators
from django.db import migrations, models

COLUMNS = "starts_at, referrer_bonus, referee_bonus, minimum_purchase, max_uses, code_length"

TERMS_STAND = """
DROP TRIGGER programs_stand ON programs;
CREATE TRIGGER programs_stand
    BEFORE UPDATE OF {columns}, budget ON programs FOR EACH ROW
    EXECUTE FUNCTION refuse_change('programs_stand',
        'terms are never edited: add the next ones');
"""

# The settlement reads the uses in the statement that waits for the referrer's lock. That statement
# sees the table as it was before the wait; a VOLATILE function looks anew.
USES = """
CREATE FUNCTION referral_uses(referrer bigint) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    RETURN COALESCE((SELECT max(use_number) FROM referrals WHERE referrer_id = referrer), 0);
END $$;
"""

RETURNED = "UPDATE referrals SET is_budgeted = false WHERE review = 'voided'"


class Migration(migrations.Migration):
    dependencies = [("referrals", "0002_guards_and_first_terms")]

    operations = [
        migrations.AddField(
            "program",
            "offer_days",
            models.PositiveSmallIntegerField(
                db_default=90,
                default=90,
                help_text="Days after sign-up in which a purchase brings at least what is promised.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
            ),
        ),
        migrations.AddConstraint(
            "program",
            models.CheckConstraint(
                condition=models.Q(("offer_days__gte", 1), ("offer_days__lte", 3650)),
                name="programs_offer_days",
            ),
        ),
        migrations.AddField(
            "referral", "is_budgeted", models.BooleanField(db_default=True, default=True)
        ),
        migrations.RunSQL(RETURNED, migrations.RunSQL.noop),
        migrations.RunSQL(
            TERMS_STAND.format(columns=f"{COLUMNS}, offer_days"),
            TERMS_STAND.format(columns=COLUMNS),
        ),
        migrations.RunSQL(USES, "DROP FUNCTION referral_uses(bigint)"),
    ]
