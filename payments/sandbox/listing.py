"""Stripe's lists: newest first, cut into pages by the id of an object, filtered by time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import QuerySet

from payments.sandbox.api_request import ApiRequest
from payments.sandbox.errors import InvalidParameter, no_such
from payments.sandbox.expansion import expand
from payments.sandbox.models import StripeModel
from payments.sandbox.objects import Json, list_json
from payments.sandbox.parameters import (
    Reader,
    integer,
    list_of,
    mapping,
    one_or,
    read_all,
    text,
)

Row = TypeVar("Row", bound=StripeModel)

EXPAND: Mapping[str, Reader] = {"expand": list_of(text())}
# PostgreSQL's and Python's times end long before an integer does.
_MOMENT = integer(0, 32503680000)
_PAGING: Mapping[str, Reader] = {
    **EXPAND,
    "limit": integer(1, 100),
    "starting_after": text(),
    "ending_before": text(),
    "created": one_or(
        _MOMENT, mapping({"gt": _MOMENT, "gte": _MOMENT, "lt": _MOMENT, "lte": _MOMENT})
    ),
}


def read_list_parameters(request: ApiRequest, filters: Mapping[str, Reader]) -> dict[str, Any]:
    """Read the filters of a list together with those that every list has."""
    return read_all(request.parameters, {**_PAGING, **filters})


def list_page(
    request: ApiRequest,
    rows: QuerySet[Row],
    as_json: Callable[[Row], Json],
    parameters: Mapping[str, Any],
) -> Json:
    """Return the page of rows that the parameters ask for."""
    rows = _created(rows, parameters.get("created", {}))
    limit = parameters.get("limit", 10)
    after, before = parameters.get("starting_after"), parameters.get("ending_before")
    if after and before:
        raise InvalidParameter(
            "Received both starting_after and ending_before parameters. Please pass in only one."
        )
    if before:
        found = list(
            rows.filter(id__gt=_row_id(rows, before, "ending_before")).order_by("id")[: limit + 1]
        )
        page = found[:limit][::-1]
    else:
        older = rows.filter(id__lt=_row_id(rows, after, "starting_after")) if after else rows
        found = list(older.order_by("-id")[: limit + 1])
        page = found[:limit]
    answer = list_json([as_json(row) for row in page], request.path, has_more=len(found) > limit)
    return expand(answer, parameters.get("expand", []))


def _row_id(rows: QuerySet[Row], stripe_id: str, param: str) -> int:
    row = rows.model._default_manager.filter(stripe_id=stripe_id).first()
    if row is None:
        raise no_such("object", stripe_id, param=param)
    return int(row.pk)


def _created(rows: QuerySet[Row], bounds: int | Mapping[str, int]) -> QuerySet[Row]:
    """Filter by whole seconds, which is all that a caller sees of `created`."""
    if isinstance(bounds, int):
        bounds = {"gte": bounds, "lte": bounds}
    for name, second in bounds.items():
        edge = datetime.fromtimestamp(second + (name in ("gt", "lte")), tz=UTC)
        if name in ("gt", "gte"):
            rows = rows.filter(created_at__gte=edge)
        else:
            rows = rows.filter(created_at__lt=edge)
    return rows
