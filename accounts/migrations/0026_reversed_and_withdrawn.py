"""An adjustment that was reversed, and a request that was withdrawn, have statuses of their own."""

from django.db import migrations, models
from django.db.models import F, Q

from accounts.search_path import fix_search_path

# Marks the original in the transaction that posts its reversal, whichever program posts it: a
# version of this program from before would not.
MARK = """
CREATE FUNCTION adjustments_mark_reversed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE adjustments SET status = 'reversed' WHERE id = NEW.reverses_id AND status = 'posted';
    RETURN NULL;
END $$;

CREATE TRIGGER adjustments_mark_reversed
    AFTER INSERT OR UPDATE ON adjustments
    FOR EACH ROW WHEN (NEW.status = 'posted' AND NEW.reverses_id IS NOT NULL)
    EXECUTE FUNCTION adjustments_mark_reversed();
"""

# A reversed adjustment uses up no limit, so nothing may call itself reversed that is not; and
# nothing that was posted may call itself withdrawn.
CLOSED = """
CREATE FUNCTION adjustments_check_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
        RETURN NEW;  -- adjustments_stand refuses any other change
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status = 'withdrawn' AND OLD.status = 'waiting'
       AND NEW.decided_by_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status = 'reversed' AND OLD.status = 'posted'
       AND EXISTS (SELECT FROM adjustments WHERE reverses_id = NEW.id AND status = 'posted') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'adjustment % cannot become %', NEW.id, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_close_in_order';
END $$;

CREATE TRIGGER adjustments_close_in_order
    BEFORE INSERT OR UPDATE ON adjustments
    FOR EACH ROW WHEN (NEW.status IN ('reversed', 'withdrawn'))
    EXECUTE FUNCTION adjustments_check_closing();
"""

_REQUEST = """(OLD.user_id, OLD.amount, OLD.category, OLD.reason, OLD.requested_by_id,
         OLD.requested_at, OLD.approval_limit, OLD.reverses_id, OLD.token)
        IS DISTINCT FROM
        (NEW.user_id, NEW.amount, NEW.category, NEW.reason, NEW.requested_by_id,
         NEW.requested_at, NEW.approval_limit, NEW.reverses_id, NEW.token)"""
_DECISION = """(OLD.ledger_entry_id, OLD.decided_by_id, OLD.decided_at, OLD.decision_note)
        IS DISTINCT FROM
        (NEW.ledger_entry_id, NEW.decided_by_id, NEW.decided_at, NEW.decision_note)"""


def _stand(may_change: str) -> str:
    """Return the trigger that keeps requests and decisions as they are."""
    return f"""
    DROP TRIGGER adjustments_stand ON adjustments;
    CREATE TRIGGER adjustments_stand
        BEFORE UPDATE ON adjustments FOR EACH ROW WHEN ({may_change} OR {_REQUEST})
        EXECUTE FUNCTION refuse_change('adjustments_stand',
            'an adjustment is never edited: reverse it instead');
    """


STAND = _stand(
    f"OLD.status <> 'waiting' AND (OLD.status <> 'posted' OR NEW.status <> 'reversed'"
    f" OR {_DECISION})"
)
STAND_BEFORE = _stand("OLD.status <> 'waiting'")


def _on_decision(trigger: str, when: str, function: str) -> str:
    return f"""
    DROP TRIGGER {trigger} ON adjustments;
    CREATE TRIGGER {trigger} {when} EXECUTE FUNCTION {function}();
    """


# The original is only marked: who decided on it may have left since, and its owner may be staff.
_DECIDED = "BEFORE INSERT OR UPDATE ON adjustments FOR EACH ROW WHEN (NEW.decided_by_id IS NOT NULL"
_CREDITED = (
    "AFTER INSERT OR UPDATE ON adjustments FOR EACH ROW"
    " WHEN (NEW.amount > 0 AND NEW.reverses_id IS NULL AND NEW.status"
)
_MAY, _STAFF = "adjustments_check_decider", "adjustments_check_staff"
MARKED = _on_decision(
    "adjustments_decider_may", f"{_DECIDED} AND NEW.status <> 'reversed')", _MAY
) + _on_decision(
    "adjustments_not_for_staff",
    f"{_CREDITED} NOT IN ('rejected', 'reversed', 'withdrawn'))",
    _STAFF,
)
MARKED_BEFORE = _on_decision("adjustments_decider_may", f"{_DECIDED})", _MAY) + _on_decision(
    "adjustments_not_for_staff", f"{_CREDITED} <> 'rejected')", _STAFF
)

# As the owner, whose rows these are: the guards are for the program.
_UNGUARDED = """
ALTER TABLE adjustments DISABLE TRIGGER USER;
{};
ALTER TABLE adjustments ENABLE TRIGGER USER;
"""
REVERSED = _UNGUARDED.format(
    "UPDATE adjustments SET status = 'reversed' WHERE status = 'posted'"
    " AND id IN (SELECT reverses_id FROM adjustments WHERE status = 'posted')"
)
REVERSED_BEFORE = _UNGUARDED.format(
    "UPDATE adjustments SET status = 'posted' WHERE status = 'reversed';"
    " UPDATE adjustments SET status = 'waiting' WHERE status = 'withdrawn'"
)

_POSTED = Q(status__in=["posted", "reversed"])


def _constraint(condition: Q, name: str) -> list[migrations.operations.base.Operation]:
    constraint = models.CheckConstraint(condition=condition, name=name)
    return [
        migrations.RemoveConstraint("adjustment", name),
        migrations.AddConstraint("adjustment", constraint),
    ]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0025_index_of_signup_addresses")]

    operations = [
        migrations.AlterField(
            "adjustment",
            "status",
            models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("posted", "Posted"),
                    ("rejected", "Rejected"),
                    ("reversed", "Reversed"),
                    ("withdrawn", "Withdrawn"),
                ],
                max_length=10,
            ),
        ),
        *_constraint(
            (_POSTED & Q(ledger_entry__isnull=False)) | (~_POSTED & Q(ledger_entry__isnull=True)),
            "adjustments_posted_by_an_entry",
        ),
        *_constraint(
            Q(status__in=["waiting", "withdrawn"])
            | Q(decided_by__isnull=False)
            | (_POSTED & Q(amount__gte=-F("approval_limit"), amount__lte=F("approval_limit"))),
            "adjustments_above_the_limit_need_two",
        ),
        *_constraint(
            (_POSTED & Q(decided_by__isnull=True))
            | (Q(requested_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
            "adjustments_decided_by_another",
        ),
        migrations.RemoveConstraint("adjustment", "adjustments_reversed_once"),
        migrations.AddConstraint(
            "adjustment",
            models.UniqueConstraint(
                fields=["reverses"],
                condition=~Q(status__in=["rejected", "withdrawn"]),
                name="adjustments_reversed_once",
            ),
        ),
        migrations.RunSQL(CLOSED, "DROP FUNCTION adjustments_check_closing() CASCADE"),
        migrations.RunSQL(STAND, STAND_BEFORE),
        migrations.RunSQL(MARKED, MARKED_BEFORE),
        migrations.RunSQL(MARK, "DROP FUNCTION adjustments_mark_reversed() CASCADE"),
        fix_search_path("adjustments_check_closing()", "adjustments_mark_reversed()"),
        migrations.RunSQL(REVERSED, REVERSED_BEFORE),
    ]
