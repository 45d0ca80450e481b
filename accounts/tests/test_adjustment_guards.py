"""The database refuses what bypasses `accounts.adjustments`."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction

from accounts import constraints
from accounts.models import Adjustment, User
from accounts.tests.factories import Person
from accounts.tests.test_adjustments import approve, ask, fiona, reverse, sam
from accounts.tests.test_ledger_guards import commit_would_check
from payments.tests.at_once import execute
from payments.tests.stripe_events import settle

# By Fiona, who may decide unless a test says otherwise.
DECIDE = """UPDATE adjustments SET decided_at = now(), decision_note = 'Right',
    decided_by_id = (SELECT id FROM users WHERE username = 'fiona')"""
REJECT = f"{DECIDE}, status = 'rejected'"


@transaction.atomic
def commit(statement: str, *params: int | str) -> None:
    execute(statement, *params)
    commit_would_check()


def refused(statement: str, *params: int | str, by: str) -> None:
    """Assert that the constraint `by` refuses the statement, or a commit after it."""
    with pytest.raises(IntegrityError) as error:
        commit(statement, *params)

    assert constraints.violated(error.value) == by


@pytest.fixture
def waiting(alice: Person) -> Adjustment:
    """An adjustment of Sam's above the limit, on which Fiona may decide."""
    fiona()
    adjustment = ask(alice, "250.00")
    commit_would_check()
    return adjustment


@pytest.fixture
def posted(alice: Person) -> Adjustment:
    adjustment = ask(alice, "10.00")
    commit_would_check()
    return adjustment


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE adjustments SET reason = ' '", "adjustments_have_a_reason"),
        ("UPDATE adjustments SET amount = 0", "adjustments_of_something"),
        ("UPDATE adjustments SET amount = 100000.01", "adjustments_of_something"),
        ("UPDATE adjustments SET amount = -100000.01", "adjustments_of_something"),
        ("UPDATE adjustments SET requested_by_id = user_id", "adjustments_not_of_ones_own"),
        (f"{REJECT}, requested_by_id = NULL", "adjustments_decided_by_another"),
    ],
)
def test_it_refuses_an_invalid_request(
    waiting: Adjustment, statement: str, constraint: str
) -> None:
    execute("ALTER TABLE adjustments DISABLE TRIGGER adjustments_stand")

    refused(statement, by=constraint)


POST_ALONE = """WITH entry AS (
    INSERT INTO ledger_entries (user_id, kind, amount, balance_after, idempotency_key, description,
                                reference, created_at)
    SELECT user_id, 'adjustment', amount, 250, 'forged', '', '', now() FROM adjustments
    WHERE status = 'waiting' RETURNING *
), balance AS (UPDATE users SET credits = 250 FROM entry WHERE users.id = entry.user_id)
UPDATE adjustments SET status = 'posted', ledger_entry_id = entry.id FROM entry
WHERE status = 'waiting'"""


def test_it_refuses_one_person_above_the_limit(waiting: Adjustment) -> None:
    # Even if the limit has been raised since the request.
    execute("SET LOCAL gatewayz.adjustment_approval_limit = 1000")

    refused(POST_ALONE, by="adjustments_above_the_limit_need_two")


FORGE_ALONE = """WITH entry AS (
    INSERT INTO ledger_entries (user_id, kind, amount, balance_after, idempotency_key, description,
                                reference, created_at, reverses_id)
    SELECT users.id, CASE WHEN original.id IS NULL THEN 'adjustment' ELSE 'reversal' END, sum,
           credits + sum, 'forged', '', '', now(), ledger_entry_id
    FROM users CROSS JOIN (SELECT %s::numeric) AS forged (sum)
    LEFT JOIN adjustments original ON original.id = %s
    WHERE username = 'alice' RETURNING *
), balance AS (
    UPDATE users SET credits = entry.balance_after FROM entry WHERE users.id = entry.user_id
) INSERT INTO adjustments (user_id, amount, category, reason, status, requested_at, approval_limit,
                           decision_note, ledger_entry_id, token, reverses_id)
    SELECT entry.user_id, entry.amount, 'other', 'Because', 'posted', now(), 100000, '', entry.id,
           gen_random_uuid(), original.id
    FROM entry LEFT JOIN adjustments original ON original.ledger_entry_id = entry.reverses_id"""


@pytest.mark.parametrize(
    ("session_limit", "amount"),
    [("100.00", "100.01"), ("0", "0.01"), ("", "0.01"), ("99", "99.5")],
)
@pytest.mark.usefixtures("alice")
def test_it_refuses_a_row_with_a_forged_limit(session_limit: str, amount: str) -> None:
    execute("SELECT set_config('gatewayz.adjustment_approval_limit', %s, true)", session_limit)

    refused(FORGE_ALONE, amount, 0, by="adjustments_alone_within_the_limit")


def test_each_connection_sets_the_limit(alice: Person) -> None:
    commit(FORGE_ALONE, str(settings.ADJUSTMENT_APPROVAL_LIMIT), 0)

    assert alice.balance() == "100.00"


@pytest.mark.usefixtures("alice")
def test_it_refuses_a_debit_below_zero() -> None:
    refused(FORGE_ALONE, "-0.01", 0, by="adjustments_make_no_debt")


def test_it_refuses_a_reversal_below_zero(alice: Person) -> None:
    adjustment = ask(alice, "50.00")
    ask(alice, "-1.00")
    commit_would_check()

    refused(FORGE_ALONE, "-50.00", adjustment.pk, by="adjustments_make_no_debt")


def test_it_refuses_a_decision_by_the_requester(alice: Person) -> None:
    ask(alice, "250.00", by=fiona())

    refused(REJECT, by="adjustments_decided_by_another")


def test_it_refuses_a_decision_by_the_account_owner(db: None) -> None:
    ask(Person(fiona(), ""), "250.00")

    refused(REJECT, by="adjustments_not_of_ones_own")


def lose_rank(fiona: User) -> None:
    fiona.groups.set([Group.objects.get(name="Support")])


def lose_all_groups(fiona: User) -> None:
    fiona.groups.clear()


def lose_account(fiona: User) -> None:
    fiona.is_active = False


def gain_permission(fiona: User) -> None:
    fiona.groups.clear()
    fiona.user_permissions.add(Permission.objects.get(codename="approve_adjustment"))


def become_superuser(fiona: User) -> None:
    fiona.groups.clear()
    fiona.is_superuser = True


@pytest.mark.parametrize("change", [lose_rank, lose_all_groups, lose_account])
def test_it_refuses_a_decision_without_the_permission(
    waiting: Adjustment, change: Callable[[User], None]
) -> None:
    change(decider := fiona())
    decider.save()

    refused(REJECT, by="adjustments_decider_may")


@pytest.mark.parametrize("change", [lambda fiona: None, gain_permission, become_superuser])
def test_it_accepts_a_decision_with_the_permission(
    waiting: Adjustment, change: Callable[[User], None]
) -> None:
    change(decider := fiona())
    decider.save()

    execute(REJECT)

    waiting.refresh_from_db()
    assert waiting.status == "rejected"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (REJECT.replace("'Right'", "' '"), "adjustments_decided_with_a_reason"),
        (REJECT.replace("now()", "NULL"), "adjustments_decided_with_a_reason"),
        (DECIDE, "adjustments_decided_with_a_reason"),
        ("UPDATE adjustments SET status = 'rejected'", "adjustments_above_the_limit_need_two"),
        (DECIDE + ", status = 'posted'", "adjustments_posted_by_an_entry"),
    ],
)
def test_it_refuses_an_incomplete_decision(
    waiting: Adjustment, statement: str, constraint: str
) -> None:
    refused(statement, by=constraint)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE adjustments SET status = 'waiting', ledger_entry_id = NULL",
        "UPDATE adjustments SET reason = 'Nothing to see here'",
        "UPDATE adjustments SET decision_note = 'Me too'",
        "DELETE FROM adjustments",
        "TRUNCATE adjustments",
    ],
)
def test_it_refuses_a_change_of_a_posted_adjustment(posted: Adjustment, statement: str) -> None:
    # Disabled in tests only, so that pytest-django can empty the tables.
    execute("ALTER TABLE adjustments ENABLE TRIGGER adjustments_not_truncated")

    with pytest.raises(IntegrityError, match="an adjustment is never"), transaction.atomic():
        execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE adjustments SET amount = 1",
        "UPDATE adjustments SET user_id = user_id + 1",
        "UPDATE adjustments SET reason = 'Other'",
        "UPDATE adjustments SET requested_by_id = NULL",
        "UPDATE adjustments SET approval_limit = 1000",
    ],
)
def test_it_refuses_a_change_of_a_request(waiting: Adjustment, statement: str) -> None:
    refused(statement, by="adjustments_stand")


FORGE = """WITH entry AS (
    INSERT INTO ledger_entries (user_id, kind, amount, balance_after, idempotency_key, description,
                                reference, created_at, reverses_id)
    SELECT user_id, %s, %s::numeric, balance_after + %s::numeric, 'forged', '', '', now(),
           CASE %s WHEN 'reversal' THEN id END
    FROM ledger_entries RETURNING *
) UPDATE users SET credits = entry.balance_after FROM entry WHERE users.id = entry.user_id"""


@pytest.mark.parametrize(("kind", "amount"), [("adjustment", "5.00"), ("reversal", "-10.00")])
def test_it_refuses_an_entry_without_an_adjustment(
    posted: Adjustment, kind: str, amount: str
) -> None:
    refused(FORGE, kind, amount, amount, kind, by="adjustments_match_the_ledger")


COPY = """INSERT INTO adjustments (user_id, amount, category, reason, status, requested_at,
    approval_limit, decision_note, ledger_entry_id, token)
    SELECT user_id, %s::numeric, 'other', 'Because', 'posted', now(), 100, '', %s::bigint,
           gen_random_uuid() FROM adjustments LIMIT 1"""


def test_it_refuses_an_adjustment_with_the_entry_of_a_purchase(posted: Adjustment) -> None:
    purchase = settle(posted.user).ledger_entry
    assert purchase
    commit_would_check()

    refused(COPY, "10.00", purchase.pk, by="adjustments_match_the_ledger")


def test_it_refuses_two_adjustments_of_one_entry(posted: Adjustment) -> None:
    assert posted.ledger_entry

    refused(COPY, "10.00", posted.ledger_entry.pk, by="adjustments_ledger_entry_id_key")


def test_it_refuses_a_second_reversal(alice: Person) -> None:
    adjustment = approve(ask(alice, "250.00"))
    reverse(adjustment)

    refused(
        "INSERT INTO adjustments (user_id, amount, category, reason, status, requested_by_id,"
        " requested_at, approval_limit, decision_note, reverses_id, token) SELECT user_id, amount,"
        " category, reason, status, requested_by_id, requested_at, approval_limit, '',"
        " reverses_id, gen_random_uuid()"
        " FROM adjustments WHERE reverses_id IS NOT NULL",
        by="adjustments_reversed_once",
    )


def test_it_refuses_a_token_twice(posted: Adjustment) -> None:
    refused(
        "INSERT INTO adjustments (user_id, amount, category, reason, status, requested_by_id,"
        " requested_at, approval_limit, decision_note, token) SELECT user_id, 1, 'other',"
        " 'Because', 'waiting', requested_by_id, now(), 0, '', token FROM adjustments",
        by="adjustments_token_key",
    )
    assert posted.requested_by == sam()
