"""Tells our own ids, which are numbers, from whatever else people and programs send."""

import re

# As many digits as a bigint always holds.
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


def is_id(text: str) -> bool:
    """Tell whether a row of ours could have this id."""
    return _ID.fullmatch(text) is not None


def read(text: str) -> int | None:
    """Return the id that was typed, or None, which no row has."""
    return int(text) if is_id(text) else None
