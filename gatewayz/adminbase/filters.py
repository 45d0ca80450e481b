"""The filters that lists offer: by days (UTC), and by conditions that have names."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter

_FEW_DAYS = timedelta(days=7)


class DayFilter(RangeDateFilter):
    """Rows of these days; unfold's own leaves out the last day of a column with times."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day"

    @property
    def is_of_few_days(self) -> bool:
        first, last = self._day("from"), self._day("to")
        return first is not None and last is not None and last - first < _FEW_DAYS

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        first, last = self._day("from"), self._day("to")
        if first or last:
            queryset = self.indexed(queryset)
        if first:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _begin(first)})
        if last and last < date.max:
            day_after = last + timedelta(days=1)
            queryset = queryset.filter(**{f"{self.field_path}__lt": _begin(day_after)})
        return queryset

    def indexed(self, queryset: QuerySet) -> QuerySet:
        """Add what the column's index requires, if it covers only a part of the table."""
        return queryset

    def _day(self, end: str) -> date | None:
        try:
            return date.fromisoformat(str(self.used_parameters.get(f"{self.field_path}_{end}")))
        except ValueError:
            return None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


Conditions = Mapping[str, tuple[str, Q]]


class ConditionFilter(DropdownFilter):
    """Rows that meet a condition, chosen by its name; an index must serve each of them."""

    conditions: ClassVar[Conditions]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not (value := self.value()):
            return queryset
        if value not in self.conditions:
            raise IncorrectLookupParameters
        return queryset.filter(self.conditions[value][1])


def one_of(column: str, values: Iterable[str]) -> Conditions:
    """Return a condition for each value of a column, labeled as `Cap reached`."""
    return {value: (value.replace("_", " ").capitalize(), Q(**{column: value})) for value in values}


def yes_or_no(column: str) -> Conditions:
    """Return the conditions that a column has a value, and that it has none."""
    is_null = f"{column}__isnull"
    return {"yes": ("Yes", Q(**{is_null: False})), "no": ("No", Q(**{is_null: True}))}
