"""Migrations that would stop the version that still serves are refused, with what to write."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connection, models
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    DeleteModel,
    Migration,
    RemoveField,
    RenameField,
    RunPython,
    RunSQL,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from gatewayz.dev import migration_locks
from gatewayz.dev.migration_locks import INSTEAD, refusals

INDEX = models.Index(fields=["created_at"], name="users_example")
CHECK = models.CheckConstraint(condition=models.Q(credits__lt=10**9), name="users_example")
UNIQUE = models.UniqueConstraint(fields=["created_at"], name="users_example")
FUNCTION = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nUPDATE users SET email = ''\n$$"


# What is concurrent is refused within a transaction.
pytestmark = pytest.mark.django_db(transaction=True)


def undo(*_: Any) -> None:
    """Stand for a function of RunPython."""


def people(**options: Any) -> models.ForeignKey:
    return models.ForeignKey("accounts.User", models.PROTECT, null=True, **options)


def refused(*operations: Operation, atomic: bool = True) -> list[str]:
    """Return what is said of a migration that comes after all others."""
    loader = MigrationLoader(connection)
    attributes = {"operations": operations, "atomic": atomic}
    migration = type("Migration", (Migration,), attributes)("0999_example", "accounts")
    key, last = ("accounts", "0999_example"), loader.graph.leaf_nodes("accounts")[0]
    loader.graph.add_node(key, migration)
    loader.graph.add_dependency(migration, key, last)
    return refusals(loader, migration)


@pytest.mark.parametrize(
    ("rule", "operations"),
    [
        ("require-concurrent-index-creation", [AddIndex("user", INDEX)]),
        ("disallowed-unique-constraint", [AddConstraint("user", UNIQUE)]),
        ("require-concurrent-index-deletion", [RunSQL("DROP INDEX users_by_email", "")]),
        (
            "adding-field-with-default",
            [AddField("user", "example", models.UUIDField(db_default=RandomUUID()))],
        ),
        ("ban-drop-default", [AddField("user", "example", models.IntegerField(default=1))]),
        (
            "adding-required-field",
            [RunSQL("ALTER TABLE users ADD COLUMN example int NOT NULL", RunSQL.noop)],
        ),
        ("adding-not-nullable-field", [AlterField("user", "claimed_at", models.DateTimeField())]),
        ("constraint-missing-not-valid", [AddConstraint("user", CHECK)]),
        (
            "constraint-missing-not-valid",
            [AddConstraintNotValid("user", CHECK), ValidateConstraint("user", "users_example")],
        ),
        ("adding-foreign-key-constraint", [AddField("apikey", "example", people())]),
        ("changing-column-type", [AlterField("user", "credits", models.FloatField())]),
        ("ban-drop-column", [RemoveField("user", "claimed_at")]),
        ("ban-drop-table", [DeleteModel("Email")]),
        ("renaming-column", [RenameField("user", "claimed_at", "example")]),
        ("locks-for-long", [RunSQL("LOCK TABLE users", RunSQL.noop)]),
        ("locks-for-long", [RunSQL("lock users in share mode", RunSQL.noop)]),
        ("changes-rows", [RunSQL("UPDATE users SET email = ''", RunSQL.noop)]),
        ("hides-statements", [RunSQL("DO $$ BEGIN\nDROP TABLE users; END $$", RunSQL.noop)]),
        (
            "several-tables",
            [
                AddField("user", "example", models.IntegerField(null=True)),
                AddField("ledgerentry", "example", models.IntegerField(null=True)),
            ],
        ),
        ("not-alone", [RunPython(undo, undo)]),
        ("irreversible", [RunSQL("CREATE VIEW example AS SELECT 1")]),
    ],
)
def test_it_refuses_and_says_what_to_write_instead(
    rule: str, operations: Sequence[Operation]
) -> None:
    said = refused(*operations)

    assert [line for line in said if f": {rule}: " in line and line.endswith(INSTEAD[rule])]


@pytest.mark.parametrize(
    "operations",
    [
        [AddIndexConcurrently("user", INDEX), AddIndexConcurrently("apikey", INDEX)],
        [RunPython(undo, undo), RunSQL("SELECT 1", RunSQL.noop)],
        [RunPython(undo)],
    ],
)
def test_outside_a_transaction_it_refuses_what_takes_long_beside_others(
    operations: Sequence[Operation],
) -> None:
    assert refused(*operations, atomic=False)


@pytest.mark.parametrize(
    ("operation", "atomic"),
    [
        (AddIndexConcurrently("user", INDEX), False),
        (RemoveIndexConcurrently("user", "users_referred_by_code"), False),
        (AddConstraintNotValid("user", CHECK), True),
        (RunSQL("ALTER TABLE users VALIDATE CONSTRAINT users_example", RunSQL.noop), True),
        (AddField("user", "example", models.IntegerField(null=True)), True),
        (AddField("user", "example", models.IntegerField(db_default=0)), True),
        (AddField("user", "example", people(db_constraint=False, db_index=False)), True),
        (CreateModel("Example", [("id", models.BigAutoField(primary_key=True))]), True),
        (CreateModel("Example", [("user", people(primary_key=True))]), True),
        (RunSQL(FUNCTION, "DROP FUNCTION f()"), True),
        (RunPython(undo, undo), False),
    ],
)
def test_it_lets_pass_what_is_right(operation: Operation, atomic: bool) -> None:
    assert refused(operation, atomic=atomic) == []


def test_what_is_accepted_has_to_break_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = {"accounts.0999_example": ("No version reads it.", {"ban-drop-column"})}
    monkeypatch.setattr(migration_locks, "ACCEPTED", accepted)

    assert refused(RemoveField("user", "claimed_at")) == []
    assert refused(AddField("user", "example", models.IntegerField(null=True))) == [
        "accounts.0999_example: ban-drop-column is accepted, but not broken."
    ]
