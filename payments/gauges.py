"""Prometheus gauges of the work that waits for operators, registered with `/metrics`."""

from collections.abc import Iterator

from django.db import Error as AnyDatabaseError
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gatewayz.api.database_errors import is_unavailable
from gatewayz.http.metrics import GAUGES
from payments.reports.action_items import WaitingCounts, count_waiting


class ActionItemGauges(Collector):
    """Counts the waiting work in the database whenever Prometheus scrapes."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = count_waiting(now=timezone.now())
        except AnyDatabaseError as error:
            if not is_unavailable(error):
                raise
            # An error here would hide all other metrics just when they are needed most.
            is_up = 0
        else:
            yield from _families(found)
            is_up = 1
        yield GaugeMetricFamily("gatewayz_database_up", "The database answers.", is_up)


def _families(found: WaitingCounts) -> Iterator[Metric]:
    events = GaugeMetricFamily(
        "gatewayz_events_needing_someone",
        "Events that failed, are quarantined, or are unprocessed after five minutes.",
        labels=["state"],
    )
    events.add_metric(["failed"], found.failed_events)
    events.add_metric(["quarantined"], found.quarantined_events)
    events.add_metric(["unprocessed"], found.overdue_events)
    yield events
    yield GaugeMetricFamily(
        "gatewayz_referrals_held",
        "Held bonuses that an operator must release or void.",
        found.held_bonuses,
    )
    yield GaugeMetricFamily(
        "gatewayz_jobs_failed",
        "Periodic jobs that failed; see them in the admin.",
        found.failed_jobs,
    )
    yield GaugeMetricFamily(
        "gatewayz_jobs_stalled",
        "Periodic jobs whose worker ended in the middle of them; they run again by themselves.",
        found.stalled_jobs,
    )
    yield GaugeMetricFamily(
        "gatewayz_workers",
        "Workers that were alive within the last two minutes; without one no periodic job runs.",
        found.live_workers,
    )


GAUGES.register(ActionItemGauges())
