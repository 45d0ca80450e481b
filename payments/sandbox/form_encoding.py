"""Stripe's nested form encoding: `a[b][0][c]=1` read into dictionaries of dictionaries.

A list arrives as a dictionary whose keys are its indexes: only the reader of a parameter knows
whether it expects a list (see `parameters`).
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import parse_qsl

from payments.sandbox.errors import InvalidParameter

Tree: TypeAlias = "dict[str, str | Tree]"

_NAME = re.compile(r"(?P<root>[^\[\]]+)(?P<segments>(?:\[[^\[\]]*\])*)")
_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
_MAX_FIELDS = 1000
_MAX_DEPTH = 10


def decode(encoded: str) -> Tree:
    """Decode a query string or a form body; raise InvalidParameter for what contradicts itself."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise InvalidParameter(f"A request carries at most {_MAX_FIELDS} parameters.") from None
    return nest(pairs)


def nest(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Build the tree that flat names with brackets describe; the last of two equals wins."""
    tree: Tree = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise InvalidParameter("Invalid string: a NUL character.", param=name.split("\0")[0])
        _place(tree, _path(name), value, name)
    return tree


def _path(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        return [name]
    path = [match["root"], *_SEGMENT.findall(match["segments"])]
    if len(path) > _MAX_DEPTH:
        raise InvalidParameter(f"Invalid nesting: {name[:100]}", param=match["root"])
    return path


def _place(tree: Tree, path: list[str], value: str, name: str) -> None:
    node = tree
    for segment, following in pairwise(path):
        child = node.setdefault(segment or _list_key(node, following), {})
        if isinstance(child, str):
            raise _contradiction(name)
        node = child
    last = path[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise _contradiction(name)
    node[last] = value


def _list_key(node: Tree, following: str) -> str:
    """Return the index that `[]` means: the last item's until it has the following key already."""
    last = str(len(node) - 1)
    item = node.get(last)
    if isinstance(item, dict) and following and following not in item:
        return last
    return str(len(node))


def _contradiction(name: str) -> InvalidParameter:
    return InvalidParameter(f"Invalid parameters: {name[:100]} is given twice.", param=name[:100])
