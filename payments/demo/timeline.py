"""Lets things happen in the order of their times, up to an end."""

import heapq
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import count


class Timeline:
    """What is going to happen; whatever would come after the end does not happen any more."""

    def __init__(self, ends_at: datetime) -> None:
        self.ends_at = ends_at
        self._coming: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, moment: datetime, happening: Callable[..., None], *subject: object) -> None:
        """Let `happening(*subject, now=moment)` come, after what was arranged for that time."""
        if moment <= self.ends_at:
            happens = partial(happening, *subject, now=moment)
            heapq.heappush(self._coming, (moment, next(self._order), happens))

    def go_on(self, steps: int) -> bool:
        """Let the next so many things happen, which may arrange more; say if any are left."""
        for _ in range(min(steps, len(self._coming))):
            heapq.heappop(self._coming)[2]()
        return bool(self._coming)
