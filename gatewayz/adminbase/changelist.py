"""The list of an admin page, which no number of rows makes slow: nothing is counted."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Page, Paginator
from django.db import DataError
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst
from unfold.views import ChangeList

from gatewayz.adminbase import navigation
from gatewayz.adminbase.filters import DayFilter

# The last page: OFFSET reads all rows that it skips. To see more, search or filter.
MOST_PAGES = 100
# As many rows of what is filtered are counted and added up.
MOST_COUNTED = 5_000
# An export reads so many rows at once.
_CHUNK = 5_000


def by_value(ordering: Any) -> Any:
    """Sort by the value of a column, without its index.

    A search finds few rows, which are quickly sorted. With the index PostgreSQL would read the
    table in its order until it has found a page of them.
    """
    if not isinstance(ordering, str):
        return ordering
    column = F(ordering.removeprefix("-"))
    value = Coalesce(column, column)
    return value.desc() if ordering.startswith("-") else value.asc()


class UncountedPaginator(Paginator):
    """Pages forward and back without counting: it reads one row more to see if there is a next."""

    template_name = "admin/steps.html"
    has_more = False

    @property
    def count(self) -> int:
        """Return the most rows that one can page through, however many there are."""
        return self.per_page * MOST_PAGES

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = list(self.object_list[first : first + self.per_page + 1])
        self.has_more = len(rows) > self.per_page and number < MOST_PAGES
        return Page(rows[: self.per_page], number, self)


class UncountedChangeList(ChangeList):
    """A list that does not count how many rows there are."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        may_export = request.user.has_perm("accounts.export")
        self.may_export = bool(self.model_admin.exported) and may_export
        self.title = navigation.title_of(self.model)

    def get_ordering_field(self, field_name: Any) -> Any:
        """Sort only by the columns that are offered, also if the address is typed by hand."""
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        try:
            rows: QuerySet = super().get_queryset(request, exclude_parameters)
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error
        # To sort the rows of a few days is quicker than to read the table backwards to these days,
        # unless the list is in the order of these days: then their index has the page.
        order = str(rows.query.order_by[0]).removeprefix("-")
        is_sorted = any(
            isinstance(each, DayFilter) and each.is_of_few_days and each.field_path != order
            for each in self.filter_specs
        )
        return rows.order_by(*map(by_value, rows.query.order_by)) if is_sorted else rows

    @property
    def linked(self) -> str:
        """Return the filters of a link of ours, in words."""
        filters = ((name.partition("__")[0], value) for name, value in self.params.items())
        parts = (
            f"{field.verbose_name} {_named(field, value)}"
            for name, value in filters
            if name in self.model_admin.linked_by and (field := self.opts.get_field(name))
        )
        return capfirst(", ".join(parts))

    @cached_property
    def totals(self) -> str:
        """Return how many rows the filters leave and their sum, up to a bound; else nothing."""
        given = [any(values) for name, values in self.filter_params.items() if name[:1] != "_"]
        if not self.model_admin.exported or not (self.query or any(given)):
            return ""
        count, total = self.count_filtered()
        is_bounded = count == MOST_COUNTED
        words = f"The first {count:,} rows" if is_bounded else f"{count:,} row{'s' * (count != 1)}"
        words += f", {total} in all" if total else ""
        return f"{words}. What follows is not counted." if is_bounded else words

    def count_filtered(self) -> tuple[int, str]:
        """Return how many rows there are and their sum, of at most MOST_COUNTED rows."""
        column, shown = self.model_admin.summed or ("pk", None)
        rows = self.queryset.annotate(summed=column if shown else F("pk")).values("summed")
        sums = {"count": Count("*")} | ({"total": Sum("summed")} if shown else {})
        found = rows[:MOST_COUNTED].aggregate(**sums)
        return found["count"], shown(found["total"] or Decimal(0)) if shown else ""

    def exported_rows(self) -> Iterator[Sequence[Any]]:
        """Yield the rows of all pages, as files have them; each query reads a part of them."""
        key = str(self.model_admin.export_order)
        column, after = key.removeprefix("-"), "lt" if key.startswith("-") else "gt"
        columns, rows = self.model_admin.exported.values(), self.queryset.order_by(key)
        chunk = list(rows.values_list(column, *columns)[:_CHUNK])
        while chunk:
            yield from (row[1:] for row in chunk)
            following = rows.filter(**{f"{column}__{after}": chunk[-1][0]})
            is_last = len(chunk) < _CHUNK
            chunk = [] if is_last else list(following.values_list(column, *columns)[:_CHUNK])

    def get_results(self, request: HttpRequest) -> None:
        """Read the page; treat an address with values that PostgreSQL cannot read as a typo."""
        try:
            super().get_results(request)
        except (DataError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error
        self.result_count = self.full_result_count = len(self.result_list)


def _named(column: Any, value: str) -> Any:
    """Return the name of a value of the column: of a row, its name."""
    if column.related_model is None:
        return value
    try:
        return column.related_model._default_manager.filter(pk=value).first() or value
    except ValueError:  # typed by hand
        return value
