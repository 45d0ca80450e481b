"""Reads DATABASE_URL with PostgreSQL's own library, and refuses what that does not understand."""

import re
from typing import Any
from urllib.parse import parse_qsl

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from gatewayz.environment import refuse, text

_FORM = re.compile(r"(postgres(?:ql)?://)(?:([^/?]*)@)?([^/?@]*)(/[^?@]*)?(?:\?([^@]*))?")
_PORTS = re.compile(r"[0-9,]*", re.ASCII)
_PARTS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
_EXPECTED = (
    "of the form postgres://user:password@host/name, with %2F for a / in user or password, and so"
    " %3F for ?, %40 for @ and %25 for %"
)


def read(name: str) -> dict[str, Any]:
    """Return the variable `name` as an item of Django's DATABASES; see `parse`."""
    return parse(text(name), name)


def parse(url: str, name: str) -> dict[str, Any]:
    """Return the address as an item of Django's DATABASES, without ENGINE.

    OPTIONS has what follows the `?`. Raises ImproperlyConfigured, which names the variable `name`
    and never shows a piece of the address: it may be one of the password.
    """
    found = _FORM.fullmatch(url)
    if found is None:
        raise refuse(name, _EXPECTED)
    scheme, person, host, path, query = (part or "" for part in found.groups())
    _require_known(name, query)
    # libpq ends the password at the first @.
    person = person.replace("@", "%40") + "@" if person else ""
    try:
        given = conninfo_to_dict(f"{scheme}{person}{host}{path}{'?' if query else ''}{query}")
    except ProgrammingError:
        raise refuse(name, _EXPECTED) from None
    if not (given.keys() & {"dbname", "service"} and _PORTS.fullmatch(str(given.get("port", "")))):
        raise refuse(name, _EXPECTED)
    return {ours: given.pop(libpq, "") for ours, libpq in _PARTS.items()} | {"OPTIONS": given}


def _require_known(name: str, query: str) -> None:
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}
    for parameter, _ in parse_qsl(query, keep_blank_values=True):
        if parameter not in known:
            shown = f": {parameter}" if re.fullmatch(r"[A-Za-z_]{1,40}", parameter) else ""
            raise refuse(name, f"without parameters that PostgreSQL does not know{shown}")
