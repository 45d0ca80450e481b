"""Separates two roles of the database: the owner of the tables, and the one the program runs as.

The owner migrates. The application reads and writes rows, and has no privilege for more: none to
change or delete what the books and the audit log consist of, none to switch a trigger off.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from accounts.errors import AccountError
from accounts.models import ApprovalLimit

_ALL_ROWS = {"SELECT", "INSERT", "UPDATE", "DELETE"}
# What the application may do with these tables; in the others it reads and writes rows.
ALLOWED = {
    "ledger_entries": {"SELECT", "INSERT"},
    "ledger_seals": {"SELECT", "INSERT"},
    "audit_entries": {"SELECT", "INSERT"},
    "adjustments": {"SELECT", "INSERT", "UPDATE"},
    "referrals": {"SELECT", "INSERT", "UPDATE"},
    "clawbacks": {"SELECT", "INSERT", "UPDATE"},
    "approval_limits": {"SELECT"},
    "django_migrations": {"SELECT"},
}

# No row: there are no tables. The last column: whether we may grant what is the owner's.
_PLACE = """
SELECT tableowner, current_schema(), current_database(), pg_has_role(tableowner, 'USAGE')
FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'users'
"""
# Whether it can do whatever it likes, and whether it can create something here.
_POWERS = """
SELECT pg_has_role(rolname, %(owner)s, 'MEMBER') OR EXISTS (
           SELECT FROM pg_roles other WHERE rolsuper AND pg_has_role(%(role)s, oid, 'MEMBER')),
       has_schema_privilege(rolname, current_schema(), 'CREATE')
       OR has_database_privilege(rolname, current_database(), 'CREATE, TEMPORARY')
FROM pg_roles WHERE rolname = %(role)s
"""
# In both: the role, and every other that it may become by SET ROLE. A privilege on some columns
# counts as one on the table.
_PRIVILEGES = """
WITH acting AS (SELECT * FROM pg_roles WHERE pg_has_role(%(role)s, oid, 'MEMBER'))
SELECT relname::text, ARRAY(
    SELECT DISTINCT name FROM acting, unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) name
    WHERE has_any_column_privilege(acting.oid, pg_class.oid, name)
    UNION ALL
    SELECT DISTINCT name FROM acting, unnest('{DELETE,TRUNCATE,TRIGGER}'::text[]) name
    WHERE has_table_privilege(acting.oid, pg_class.oid, name))
FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
# What the program needs nothing of: attributes, the roles of PostgreSQL that reach its files and
# other sessions, parameters such as `session_replication_role`, which switches triggers off.
_FURTHER_POWERS = """
WITH acting AS (SELECT * FROM pg_roles WHERE pg_has_role(%(role)s, oid, 'MEMBER')),
powers (power) AS (
    SELECT 'has ' || attribute FROM acting, LATERAL (VALUES
        ('CREATEROLE', rolcreaterole), ('CREATEDB', rolcreatedb),
        ('REPLICATION', rolreplication), ('BYPASSRLS', rolbypassrls)) held (attribute, is_held)
    WHERE is_held
    UNION ALL
    SELECT 'is a member of ' || rolname FROM acting WHERE starts_with(rolname, 'pg_')
    UNION ALL
    SELECT 'may SET ' || parname FROM acting, pg_parameter_acl
    WHERE has_parameter_privilege(acting.oid, parname, 'SET, ALTER SYSTEM')
    UNION ALL
    SELECT format('may CREATE in the schema %%I', nspname) FROM acting, pg_namespace
    WHERE has_schema_privilege(acting.oid, pg_namespace.oid, 'CREATE')
        AND nspname <> current_schema()
    UNION ALL
    SELECT format('may UPDATE the sequence %%I', relname) FROM acting, pg_class
    WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace
        AND has_sequence_privilege(acting.oid, pg_class.oid, 'UPDATE')
    UNION ALL
    SELECT format('owns the function %%s', pg_proc.oid::regprocedure) FROM acting, pg_proc
    WHERE proowner = acting.oid AND pronamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'may INSERT the id of ledger_entries' FROM acting
    WHERE has_column_privilege(acting.oid, 'ledger_entries', 'id', 'INSERT')
)
SELECT DISTINCT power FROM powers ORDER BY power
"""
# An entry with an id of the writer's choice could take a place among those that are sealed.
_ENTRY_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
WHERE attrelid = 'ledger_entries'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'id'
"""
# `database_roles` lets a role insert into future tables too. A role that may only read them is not
# one that it prepared.
_PREPARED = """
SELECT DISTINCT pg_get_userbyid(grantee) FROM pg_default_acl, aclexplode(defaclacl)
WHERE defaclnamespace = current_schema()::regnamespace AND defaclobjtype = 'r'
  AND privilege_type = 'INSERT' AND grantee NOT IN (0, defaclrole)
"""


class RolesRefusedError(AccountError):
    """The roles cannot be separated in this way; the message says why."""


def prepare(role: str, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Give the role the application's privileges and connection settings, and no others.

    It is run by a superuser, or by the owner of the tables if they may alter the role.
    Raises RolesRefusedError.
    """
    place = _query(_PLACE, using)
    if not place:
        raise RolesRefusedError("there are no tables yet: run `manage.py migrate` first")
    owner, _, database, _ = place[0]
    powers = _query(_POWERS, using, role=role, owner=owner)
    if not powers:
        raise RolesRefusedError(f"there is no role {role}: CREATE ROLE {role} LOGIN PASSWORD '…'")
    if powers[0][0]:
        raise RolesRefusedError(f"{role} owns the tables or is a superuser; name another role")
    quote = connections[using].ops.quote_name
    altered = f"ALTER ROLE {quote(role)} IN DATABASE {quote(database)}"
    changes = settings.CONNECTION_SETTINGS.items()
    with transaction.atomic(using=using):
        _run(_grants(role, using), using)
        _run((f"{altered} SET {name} = '{value}'" for name, value in changes), using)


def bring_up_to_date(*, using: str, **_: Any) -> None:
    """Write the approval limit, and grant prepared roles the new tables; after each `migrate`."""
    place = _query(_PLACE, using)
    if not place or not place[0][-1]:
        return
    if not has_approval_limit(using):
        # Migrated to an earlier version, on purpose.
        return
    limit = {"amount": settings.ADJUSTMENT_APPROVAL_LIMIT}
    ApprovalLimit.objects.using(using).update_or_create(pk=1, defaults=limit)
    for (role,) in _query(_PREPARED, using):
        with transaction.atomic(using=using):
            _run(_grants(role, using), using)


def has_approval_limit(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Return whether the table of the approval limit is there."""
    return ApprovalLimit._meta.db_table in connections[using].introspection.table_names()


def problems(role: str = "", *, using: str = DEFAULT_DB_ALIAS) -> Iterator[str]:
    """Yield what the role, by default our own, may do and should not, or the other way round."""
    [(ourselves,)] = _query("SELECT current_user::text", using)
    role = role or ourselves
    for owner, *_ in _query(_PLACE, using):
        [(is_mighty, is_creator)] = _query(_POWERS, using, role=role, owner=owner)
        if is_mighty:
            yield f"The role {role} owns the tables, or may do what their owner may."
            return
        if is_creator:
            yield f"The role {role} may create tables or other things in the database."
        for (power,) in _query(_FURTHER_POWERS, using, role=role):
            yield f"The role {role} {power}."
        for table, privileges in _query(_PRIVILEGES, using, role=role):
            wanted = ALLOWED.get(table, _ALL_ROWS)
            for wrong, verb in (
                (set(privileges) - wanted, "may"),
                (wanted - set(privileges), "may not"),
            ):
                if wrong:
                    yield f"The role {role} {verb} {', '.join(sorted(wrong))} on {table}."


def _grants(role: str, using: str) -> Iterator[str]:
    """Yield the statements that leave the role with the application's privileges alone."""
    [(owner, schema, database, _)] = _query(_PLACE, using)
    [(entry_columns,)] = _query(_ENTRY_COLUMNS, using)
    quote = connections[using].ops.quote_name
    to, by, here = quote(role), quote(owner), quote(schema)
    yield f"REVOKE CREATE, TEMPORARY ON DATABASE {quote(database)} FROM PUBLIC, {to}"
    yield f"GRANT CONNECT ON DATABASE {quote(database)} TO {to}"
    yield f"REVOKE CREATE ON SCHEMA {here} FROM PUBLIC, {to}"
    yield f"GRANT USAGE ON SCHEMA {here} TO {to}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {here} FROM PUBLIC, {to}"
    for table, _ in _query(_PRIVILEGES, using, role=role):
        allowed = sorted(ALLOWED.get(table, _ALL_ROWS))
        if table == "ledger_entries":
            allowed = [f"INSERT ({entry_columns})" if a == "INSERT" else a for a in allowed]
        yield f"GRANT {', '.join(allowed)} ON {here}.{quote(table)} TO {to}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {here} FROM PUBLIC, {to}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {here} TO {to}"
    default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {by} IN SCHEMA {here} GRANT"
    yield f"{default} {', '.join(sorted(_ALL_ROWS))} ON TABLES TO {to}"
    yield f"{default} USAGE ON SEQUENCES TO {to}"


def _query(sql: str, using: str, **params: str) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall())


def _run(statements: Iterable[str], using: str) -> None:
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
