"""Prometheus gauges of the work that waits for operators, registered with `/metrics`."""

from collections.abc import Iterator

from django.db import Error as AnyDatabaseError
from django.db import connection
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts import report_database
from gatewayz.api.database_errors import is_unavailable
from gatewayz.http.metrics import GAUGES
from payments.reports.action_items import WaitingCounts, count_waiting


class ActionItemGauges(Collector):
    """Counts the waiting work in the database whenever Prometheus scrapes."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = count_waiting(now=timezone.now())
            database = [*_of_the_database(), *_of_the_replica()]
        except AnyDatabaseError as error:
            if not is_unavailable(error):
                raise
            # An error here would hide all other metrics just when they are needed most.
            is_up = 0
        else:
            yield from _families(found)
            yield from database
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


# What a slot retains fills the disk when nobody reads from it.
_DATABASE = """
SELECT
    (SELECT EXTRACT(EPOCH FROM MAX(checked_at))::float FROM ledger_checks WHERE breaches = 0),
    (SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    current_setting('max_connections')::int,
    (SELECT COALESCE(MAX(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::float
     FROM pg_replication_slots WHERE NOT pg_is_in_recovery())
"""
_DATABASE_GAUGES = (
    ("gatewayz_ledger_good_at", "When the ledger was last checked without a finding, in seconds."),
    ("gatewayz_database_connections", "Connections of clients to PostgreSQL, of all databases."),
    ("gatewayz_database_connections_allowed", "How many PostgreSQL allows."),
    ("gatewayz_replication_bytes_retained", "WAL kept for the replica that is furthest behind."),
)


def _of_the_database() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        row = cursor.fetchone()
    for (name, help_text), value in zip(_DATABASE_GAUGES, row, strict=True):
        if value is not None:
            yield GaugeMetricFamily(name, help_text, value)


def _of_the_replica() -> Iterator[Metric]:
    if not report_database.is_configured():
        return
    found = report_database.state()
    yield GaugeMetricFamily(
        "gatewayz_replica_used", "Reports read the replica, and not the primary.", not found.problem
    )
    if found.lag_seconds is not None:
        yield GaugeMetricFamily(
            "gatewayz_replica_lag_seconds", "How far the replica is behind.", found.lag_seconds
        )


GAUGES.register(ActionItemGauges())
