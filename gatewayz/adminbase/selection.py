"""The rows that were chosen in a list, on their way to the page that asks about them."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

_Row = TypeVar("_Row", bound=Model)
# As many as a list has on its page.
AT_ONCE = 50
# As many digits as a bigint always holds.
_ROW_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


def page_for(page: str, ids: Iterable[Any], *, listed: str = "") -> str:
    """Return the address of the admin's `page` about the rows of these ids.

    `listed` is how the list was filtered that they were chosen in, for the way back.
    """
    query = {"ids": ",".join(map(str, ids)), **({"listed": listed} if listed else {})}
    return reverse(f"admin:{page}", query=query)


def chosen(request: HttpRequest, rows: QuerySet[_Row]) -> list[_Row]:
    """Return those of the rows that the address names, the oldest first."""
    return by_ids(request.GET.get("ids", "").split(","), rows)


def by_ids(ids: list[str], rows: QuerySet[_Row]) -> list[_Row]:
    """Return the rows of these ids, whatever else was typed in their place."""
    numbers = [int(number) for number in ids[:AT_ONCE] if _ROW_ID.fullmatch(number)]
    return list(rows.filter(pk__in=numbers).order_by("pk"))
