"""Recognises our own row ids, which are numbers, in what people and programs send."""

import re

# A bigint has 19 digits; every number of 18 digits fits into one.
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


def is_id(text: str) -> bool:
    """Return whether one of our rows could have this id."""
    return _ID.fullmatch(text) is not None


def parse(text: str) -> int | None:
    """Return the id, or None, which no row has."""
    return int(text) if is_id(text) else None


def typed(text: str) -> int | None:
    """Return the id that an operator types, as `12` or `#12`; or None."""
    return parse(text.removeprefix("#"))
