"""Lets things happen in the order of their times, up to an end."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count


@dataclass(order=True, frozen=True, slots=True)
class _Coming:
    moment: datetime
    place: int
    happen: Callable[[], None] = field(compare=False)


class Timeline:
    """What is going to happen; whatever would come after the end does not happen any more."""

    def __init__(self, ends_at: datetime) -> None:
        self.ends_at = ends_at
        self._coming: list[_Coming] = []
        self._places = count()

    def at(self, moment: datetime, happening: Callable[..., None], *subject: object) -> None:
        """Let `happening(*subject, now=moment)` come, after what was arranged for that time."""
        if moment <= self.ends_at:
            happen = partial(happening, *subject, now=moment)
            heapq.heappush(self._coming, _Coming(moment, next(self._places), happen))

    def go_on(self, steps: int) -> bool:
        """Let the next so many things happen, which may arrange more; say if any are left."""
        for _ in range(min(steps, len(self._coming))):
            heapq.heappop(self._coming).happen()
        return bool(self._coming)
