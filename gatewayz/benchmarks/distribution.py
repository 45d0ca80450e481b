"""Shows from the catalogue what of the schema Citus could distribute by person, and what not.

`./dev bench --distribution`; docs/growth.md says what it means. Citus keeps a unique constraint of
a distributed table only if it has the distribution column, a foreign key only if both tables are
distributed by the columns that it compares, or to a reference table, and runs triggers only when it
is told that they look at no other server.
"""

import textwrap
from dataclasses import dataclass, field
from typing import Any

from django.core.management import call_command
from django.db import connection

# By which column each table is distributed, so that the rows of one person are on one server.
BY_PERSON = {
    "users": "id",
    **dict.fromkeys(
        (
            *("api_keys", "ledger_entries", "payments", "adjustments", "emails", "invite_views"),
            *("users_groups", "users_user_permissions", "django_admin_log"),
            *("otp_totp_totpdevice", "otp_static_staticdevice"),
        ),
        "user_id",
    ),
    # With the referrer, whose uses are counted; the friend is on another server.
    "referrals": "referrer_id",
}
# These have no column of a person; the first step is to give them one.
BY_PERSON_LATER = {"clawbacks": "user_id", "stripe_events": "user_id"}
# Every server needs these few rows, so each has a copy.
EVERYWHERE = {
    *("programs", "approval_limits", "auth_group", "auth_permission", "auth_group_permissions"),
    "django_content_type",
}
# Of the program as a whole: on the coordinator, an ordinary table.
ON_ONE_SERVER = {
    *("audit_entries", "ledger_seals", "ledger_checks", "daily_totals", "stripe_comparisons"),
    *("leaderboard_entries", "email_sources", "limit_windows"),
    *("django_session", "django_migrations", "otp_static_statictoken"),
    *("axes_accessattempt", "axes_accessattemptexpiration"),
    *("axes_accessfailurelog", "axes_accesslog"),
    *("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers"),
    "procrastinate_workers",
}
COLUMN = BY_PERSON | BY_PERSON_LATER
PROBLEMS = {
    "unique": "Unique without the column, which Citus refuses",
    "foreign keys": "Foreign keys to rows that may be on another server, which Citus refuses",
    "triggers": "Triggers, which Citus runs only with citus.enable_unsafe_triggers",
    "sequences": "Sequences, whose numbers come from one server, or in ranges",
}
INDENT: dict[str, Any] = {"initial_indent": "  ", "subsequent_indent": "      "}
# Of development alone.
NOT_IN_PRODUCTION = "stripe_sandbox_"

_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
_UNIQUE = """
SELECT indrelid::regclass::text, indexrelid::regclass::text, ARRAY(
    SELECT attname::text FROM unnest(indkey[0:indnkeyatts - 1]) number
    JOIN pg_attribute ON attrelid = indrelid AND attnum = number)
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE indisunique AND relnamespace = current_schema()::regnamespace
"""
_FOREIGN = """
SELECT conrelid::regclass::text, conname::text, confrelid::regclass::text, ARRAY(
    SELECT referring.attname || '=' || referred.attname
    FROM unnest(conkey, confkey) pair (here, there)
    JOIN pg_attribute referring ON referring.attrelid = conrelid AND referring.attnum = here
    JOIN pg_attribute referred ON referred.attrelid = confrelid AND referred.attnum = there)
FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""
_TRIGGERS = """
SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger
JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
_SEQUENCES = """
SELECT refobjid::regclass::text, objid::regclass::text FROM pg_depend
JOIN pg_class ON pg_class.oid = objid
WHERE relkind = 'S' AND deptype IN ('a', 'i') AND refclassid = 'pg_class'::regclass
    AND relnamespace = current_schema()::regnamespace
"""


@dataclass
class Table:
    """A table, where its rows would be, and what Citus would not keep of it as it is."""

    name: str
    place: str
    problems: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in PROBLEMS})


def read() -> list[Table]:
    """Return every table of the database that Django is connected to, but for development's.

    Raises KeyError with the name of a table that nobody has decided on.
    """
    names = sorted(name for (name,) in _rows(_TABLES) if not name.startswith(NOT_IN_PRODUCTION))
    tables = {name: Table(name, _place(name)) for name in names}
    for name, index, keys in _rows(_UNIQUE):
        if name in COLUMN and COLUMN[name] not in keys:
            tables[name].problems["unique"].append(index)
    for name, constraint, other, pairs in _rows(_FOREIGN):
        if name in tables and not _is_kept(name, other, pairs):
            tables[name].problems["foreign keys"].append(constraint)
    for statement, problem in ((_TRIGGERS, "triggers"), (_SEQUENCES, "sequences")):
        for name, found in _rows(statement):
            if name in COLUMN or name in EVERYWHERE:
                tables[name].problems[problem].append(found)
    return list(tables.values())


def _is_kept(name: str, other: str, pairs: list[str]) -> bool:
    """Tell whether Citus keeps a foreign key between these columns."""
    if other in EVERYWHERE:
        return True
    if name in COLUMN:
        return f"{COLUMN[name]}={COLUMN.get(other)}" in pairs
    return name in ON_ONE_SERVER and other in ON_ONE_SERVER


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [*cursor.fetchall()]


def _place(name: str) -> str:
    if name in BY_PERSON_LATER:
        return f"{COLUMN[name]}, to be added"
    if name in EVERYWHERE:
        return "every server"
    return "one server" if name in ON_ONE_SERVER else COLUMN[name]


def report() -> None:
    """Print where the rows of each table would be, and what of it would not be kept."""
    call_command("migrate", verbosity=0)
    tables = read()
    print(f"{'table':30}{'distributed by':26}", *(f"{problem:>12}" for problem in PROBLEMS))
    for table in tables:
        counts = (f"{len(found) or '':>12}" for found in table.problems.values())
        print(f"{table.name:30}{table.place:26}", *counts)
    for problem, heading in PROBLEMS.items():
        print(f"\n{heading}:")
        for table in tables:
            if found := table.problems[problem]:
                print(textwrap.fill(f"{table.name}: {', '.join(sorted(found))}", 100, **INDENT))
