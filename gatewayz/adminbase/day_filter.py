"""A filter of lists by days, from the beginning of one to the end of another, in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateFilter


class DayFilter(RangeDateFilter):
    """Rows of these days."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day"

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
        """Add what the index on the column asks for, if it holds a part of the table alone."""
        return queryset

    def _day(self, end: str) -> date | None:
        try:
            return date.fromisoformat(str(self.used_parameters.get(f"{self.field_path}_{end}")))
        except ValueError:
            return None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
