"""Reads the SQL of every migration, and refuses what would stop the version that still serves.

squawk knows which statements lock, rewrite or break; docs/production.md has the rules in words.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import django
from django.db import connection
from django.db.migrations import Migration, RunPython, SeparateDatabaseAndState
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

APPS = ("accounts", "payments", "referrals")
SQUAWK = Path(sys.executable).with_name("squawk")
# Matters of taste; and the time-outs, which `manage.py migrate` sets for all.
NOT_ASKED = (
    *("prefer-robust-stmts", "prefer-bigint-over-int", "prefer-bigint-over-smallint"),
    *("prefer-identity", "prefer-text-field", "prefer-timestamp-tz", "ban-char-field"),
    *("require-lock-timeout", "require-statement-timeout"),
)
# What squawk does not know, in statements without texts and bodies of functions.
LOCKS_FOR_LONG = re.compile(r"(?i)(LOCK|CLUSTER|TRUNCATE|VACUUM)\b|ALTER TABLE \S+ SET (UN)?LOGGED")
CHANGES_ROWS = re.compile(r"(?i)(UPDATE|DELETE|MERGE|WITH)\b")
TAKES_LONG = re.compile(r"(?i)\bINDEX CONCURRENTLY\b|\bVALIDATE CONSTRAINT\b")
CREATES = re.compile(r"(?i)CREATE (UNLOGGED )?TABLE (?P<table>\w+)")
LOCKS = re.compile(r"(?i)(ALTER TABLE (ONLY )?|(CREATE|DROP)[A-Z ]* TRIGGER .*? ON )(?P<table>\w+)")
_LATER = "Stop using it in this version; take it away in a migration of the next one."
_TWO_STEPS = "Use AddConstraintNotValid, and ValidateConstraint in the next migration."
_NEW_COLUMN = "Add a column that may be null, fill it in batches, and use it in the next version."
INSTEAD = {
    "require-concurrent-index-creation": "Use AddIndexConcurrently; for a unique one"
    " CREATE UNIQUE INDEX CONCURRENTLY by RunSQL, with the constraint in `state_operations`.",
    "require-concurrent-index-deletion": "Use RemoveIndexConcurrently.",
    "adding-field-with-default": f"Its default is another for each row. {_NEW_COLUMN}",
    "adding-required-field": "Give it a `db_default`, or let it be null.",
    "ban-drop-default": "Give the field a `db_default`: the version before does not fill it in.",
    "adding-not-nullable-field": "Add a check `IS NOT NULL` in two steps; then this is quick,"
    " and is accepted.",
    "constraint-missing-not-valid": _TWO_STEPS,
    "adding-foreign-key-constraint": "Use `db_constraint=False`, then ADD CONSTRAINT … NOT VALID by"
    " RunSQL, and VALIDATE CONSTRAINT in the next migration.",
    "disallowed-unique-constraint": "Build a unique index with AddIndexConcurrently or by RunSQL;"
    " add the constraint USING INDEX.",
    "changing-column-type": _NEW_COLUMN,
    **dict.fromkeys(("ban-drop-column", "ban-drop-table", "ban-drop-constraint"), _LATER),
    **dict.fromkeys(("renaming-column", "renaming-table"), f"Add the new one beside it. {_LATER}"),
    "locks-for-long": "Nobody can write meanwhile. There is nearly always another way.",
    "changes-rows": "Change rows by RunPython, in batches with a transaction each.",
    "hides-statements": "A DO block that changes a table or an index is not read here."
    " Write its statements as they are.",
    "several-tables": "The lock of the first is held while the second is waited for."
    " Use a migration for each table.",
    "not-alone": "It takes long, so it stands alone in a migration with `atomic = False`.",
    "irreversible": "Say how it is taken back, or that there is nothing to do (`noop`).",
}

_NEW_DATABASE = "Only a new database is migrated by it, and serves nobody."
_FEW_ROWS = "The table has few rows, so no lock of it is held for long."
_IN_SMALL_STEPS = "It was released before this check; each of its locks is short."
# Of migrations that break a rule and are right all the same: why, and the rules.
ACCEPTED: dict[str, tuple[str, set[str]]] = {
    "accounts.0002_guards": (_NEW_DATABASE, {"locks-for-long", "several-tables"}),
    "accounts.0003_lighter_indexes": (_IN_SMALL_STEPS, {"hides-statements", "not-alone"}),
    "accounts.0011_fold_names": (_IN_SMALL_STEPS, {"changes-rows", "not-alone"}),
    "accounts.0026_reversed_and_withdrawn": (
        _FEW_ROWS,
        {
            *("ban-drop-constraint", "constraint-missing-not-valid", "changes-rows"),
            *("require-concurrent-index-creation", "require-concurrent-index-deletion"),
        },
    ),
    "accounts.0028_erased_people": (_IN_SMALL_STEPS, {"several-tables"}),
    "payments.0003_longer_event_types": (
        "A longer varchar rewrites nothing, and nobody reads less.",
        {"changing-column-type"},
    ),
    "referrals.0002_guards_and_first_terms": (_NEW_DATABASE, {"not-alone"}),
    "referrals.0003_offers_and_returned_awards": (
        _FEW_ROWS,
        {"constraint-missing-not-valid", "changes-rows", "several-tables"},
    ),
    "referrals.0005_second_person_for_terms": (
        _FEW_ROWS,
        {
            *("adding-foreign-key-constraint", "constraint-missing-not-valid"),
            *("require-concurrent-index-creation", "require-concurrent-index-deletion"),
        },
    ),
}


def refusals(loader: MigrationLoader, migration: Migration) -> list[str]:
    """Return a sentence for each rule that the migration breaks, and for each accepted in vain."""
    name = f"{migration.app_label}.{migration.name}"
    _, accepted = ACCEPTED.get(name, ("", set[str]()))
    broken = dict(_broken(loader, migration))
    return [
        *(
            f"{name}: {rule}: {what} {INSTEAD.get(rule, '')}".rstrip()
            for rule, what in broken.items()
            if rule not in accepted
        ),
        *(f"{name}: {rule} is accepted, but not broken." for rule in accepted - broken.keys()),
    ]


def _broken(loader: MigrationLoader, migration: Migration) -> Iterator[tuple[str, str]]:
    """Give each rule that is broken, with what breaks it."""
    sql = "\n".join(loader.collect_sql([(migration, False)]))
    yield from _of_squawk(sql, in_transaction=migration.atomic)
    yield from _of_statements(sql)
    yield from _of_operations(migration)


def _of_squawk(sql: str, *, in_transaction: bool) -> Iterator[tuple[str, str]]:
    arguments = ["--pg-version=15", "--reporter=json", f"--exclude={','.join(NOT_ASKED)}"]
    if in_transaction:
        arguments.append("--assume-in-transaction")
    answer = subprocess.run(
        [SQUAWK, *arguments], input=sql, capture_output=True, text=True, check=False
    )
    lines = sql.splitlines()
    for found in json.loads(answer.stdout):
        yield found["rule_name"], f"{found['message']} ({lines[found['line']].strip()})"


def _of_statements(sql: str) -> Iterator[tuple[str, str]]:
    if re.search(r"\bDO\s+\$\$(?:(?!\$\$).)*\b(?:TABLE|INDEX)\b", sql, re.DOTALL | re.IGNORECASE):
        yield "hides-statements", "DO $$ … $$."
    # Without texts, comments, and what functions do when they are called.
    bare = re.sub(r"\$\$.*?\$\$|'[^']*'|--[^\n]*", "", sql, flags=re.DOTALL).replace('"', "")
    statements = [" ".join(part.split()) for part in bare.split(";") if part.strip()]
    for statement in statements:
        if LOCKS_FOR_LONG.match(statement):
            yield "locks-for-long", f"{statement}."
        if CHANGES_ROWS.match(statement):
            yield "changes-rows", f"{statement}."
        if TAKES_LONG.search(statement) and len(statements) > 1:
            yield "not-alone", f"{statement}."
    tables = {found["table"] for found in map(LOCKS.match, statements) if found}
    tables -= {found["table"] for found in map(CREATES.match, statements) if found}
    if len(tables) > 1:
        yield "several-tables", f"It locks {', '.join(sorted(tables))}."


def _of_operations(migration: Migration) -> Iterator[tuple[str, str]]:
    operations = list(_flat(migration.operations))
    for operation in operations:
        if not operation.reversible:
            yield "irreversible", f"{operation.describe()}."
        if isinstance(operation, RunPython) and (migration.atomic or len(operations) > 1):
            yield "not-alone", f"{operation.describe()}."


def _flat(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation


def main() -> int:
    """Print every refusal, and return 1 if there is one."""
    django.setup()
    loader = MigrationLoader(connection)
    migrations = [loader.graph.nodes[key] for key in sorted(loader.graph.nodes) if key[0] in APPS]
    found = [refusal for migration in migrations for refusal in refusals(loader, migration)]
    print(*found, f"{len(migrations)} migrations read, {len(found)} refused", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
