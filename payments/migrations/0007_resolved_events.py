"""An operator resolves what was quarantined, once, and says why."""

from django.db import migrations, models

from accounts.search_path import fix_search_path

# Only what was quarantined, and only with the entry of the audit log that says who and why.
RESOLVED = """
CREATE FUNCTION stripe_events_check_resolved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.outcome = 'quarantined' AND EXISTS (
        SELECT FROM audit_entries WHERE target_type = 'payments.stripeevent'
            AND target_id = NEW.id AND action = 'resolve event')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'event % is not resolved by an operator', NEW.event_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'stripe_events_resolved_by_someone';
END $$;

CREATE TRIGGER stripe_events_not_born_resolved
    BEFORE INSERT ON stripe_events FOR EACH ROW WHEN (NEW.outcome = 'resolved')
    EXECUTE FUNCTION stripe_events_check_resolved();

CREATE TRIGGER stripe_events_resolved_by_someone
    BEFORE UPDATE OF outcome ON stripe_events FOR EACH ROW
    WHEN (NEW.outcome = 'resolved' AND OLD.outcome <> 'resolved')
    EXECUTE FUNCTION stripe_events_check_resolved();

CREATE TRIGGER stripe_events_stay_resolved
    BEFORE UPDATE OF outcome, reason, processed_at, payment_id ON stripe_events FOR EACH ROW
    WHEN (OLD.outcome = 'resolved')
    EXECUTE FUNCTION refuse_change('stripe_events_stay_resolved',
        'an event that was resolved stays so');
"""
UNRESOLVED = """
DROP TRIGGER stripe_events_stay_resolved ON stripe_events;
DROP FUNCTION stripe_events_check_resolved() CASCADE;
UPDATE stripe_events SET outcome = 'quarantined' WHERE outcome = 'resolved';
"""
OUTCOMES = (
    *("received", "settled", "repeated", "applied", "deferred", "waiting", "closed", "ignored"),
    *("quarantined", "resolved", "failed"),
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_ledger_seals"), ("payments", "0006_stripe_comparisons")]

    operations = [
        migrations.RunSQL(RESOLVED, UNRESOLVED),
        fix_search_path("stripe_events_check_resolved()"),
        migrations.AlterField(
            "stripeevent",
            "outcome",
            models.CharField(
                choices=[(outcome, outcome.capitalize()) for outcome in OUTCOMES],
                default="received",
                max_length=12,
            ),
        ),
    ]
