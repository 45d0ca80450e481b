"""Gives functions of the database a search path of their own, in place of their caller's."""

from django.db.migrations import RunSQL

# A function without it looks tables up on its caller's path: a temporary table `users` of the
# caller would then stand for ours. The schema is the one that the tables were made in. `pg_temp`
# has to be named, or else it comes first.
_FIX = """
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp',
                   '{function}'::regprocedure, current_schema());
END $$;
"""


def fix_search_path(*functions: str) -> RunSQL:
    """Return the operation for these functions, each named with its types, as `settle(bigint)`."""
    return RunSQL(
        "".join(_FIX.format(function=function) for function in functions),
        "".join(f"ALTER FUNCTION {function} RESET search_path;" for function in functions),
    )
