"""The list behind a figure of the overview: how it is linked to, and what it says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Model, Q
from django.urls import reverse

from accounts.money import dollars
from payments.behind import BEHIND, Behind, When
from payments.reports.daily import Span, today

_FIGURE, _SINCE, _UNTIL = PARAMETERS = ("figure", "since", "until")
_LONGEST = timedelta(days=366)
_SHORT = timedelta(days=7)


def link(name: str, span: Span | None = None) -> str:
    """Return the address of the list that shows the rows of a figure, of these days if it has."""
    opts = BEHIND[name].model._meta
    query = {_FIGURE: name}
    if span:
        query |= {_SINCE: span.first.isoformat(), _UNTIL: span.last.isoformat()}
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist", query=query)


@dataclass(frozen=True)
class Asked:
    """A figure whose rows somebody wants to see."""

    behind: Behind
    when: When

    @property
    def rows(self) -> Q:
        return self.behind.rows(self.when)

    @property
    def is_short(self) -> bool:
        span = self.when.span
        return self.behind.is_of_days and span.last - span.first < _SHORT

    @property
    def title(self) -> str:
        return self.behind.title

    @property
    def words(self) -> str:
        return self.behind.words

    @property
    def days(self) -> str:
        return days(self.when.span) if self.behind.is_of_days else ""

    def value(self) -> str:
        """Return the figure, as the overview shows it."""
        if self.behind.figure is None:
            return f"{self.behind.model._default_manager.filter(self.rows).count():,}"
        amount = self.behind.figure(self.when)
        return f"{amount:,}" if isinstance(amount, int) else dollars(amount)


def asked(params: Mapping[str, str], model: type[Model], *, now: datetime) -> Asked | None:
    """Return the figure that the address of a list names, if it does. Raises ValueError."""
    if (name := params.get(_FIGURE)) is None:
        return None
    behind = BEHIND.get(name)
    if behind is None or behind.model is not model:
        raise ValueError(f"{name!r} is no figure of this list")
    first, last = (_day(params.get(end), now) for end in (_SINCE, _UNTIL))
    if not first <= last <= today(now) or last - first > _LONGEST:
        raise ValueError(f"{first} to {last} are no days of a figure")
    return Asked(behind, When(Span(first, last), now))


def days(span: Span) -> str:
    """Return `24 October to 22 November 2026`."""
    first, last = span.first, span.last
    if first == last:
        return f"{last:%-d %B %Y}"
    begin = f"{first:%-d %B}" if first.year == last.year else f"{first:%-d %B %Y}"
    return f"{begin} to {last:%-d %B %Y}"


def _day(text: str | None, now: datetime) -> date:
    return date.fromisoformat(text) if text else today(now)
