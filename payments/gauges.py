"""The gauges of what waits for an operator, handed to `/metrics`."""

from collections.abc import Iterator

from django.db import InterfaceError, OperationalError
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gatewayz.http.metrics import GAUGES
from payments.reports.action_items import Waiting, waiting


class ActionItemGauges(Collector):
    """What waits for a person, counted in the database when Prometheus asks."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = waiting(now=timezone.now())
        except (OperationalError, InterfaceError):
            # The other metrics are wanted most while the database is down.
            is_up = 0
        else:
            yield from _families(found)
            is_up = 1
        yield GaugeMetricFamily("gatewayz_database_up", "The database answers.", is_up)


def _families(found: Waiting) -> Iterator[Metric]:
    events = GaugeMetricFamily(
        "gatewayz_events_needing_someone",
        "Events that failed, are quarantined, or lie unprocessed for five minutes.",
        labels=["state"],
    )
    events.add_metric(["failed"], found.failed_events)
    events.add_metric(["quarantined"], found.quarantined_events)
    events.add_metric(["unprocessed"], found.overdue_events)
    yield events
    yield GaugeMetricFamily(
        "gatewayz_referrals_held",
        "Bonuses that an operator releases or voids.",
        found.held_bonuses,
    )
    yield GaugeMetricFamily(
        "gatewayz_jobs_failed",
        "Periodic jobs that failed; see them in the admin.",
        found.failed_jobs,
    )


GAUGES.register(ActionItemGauges())
