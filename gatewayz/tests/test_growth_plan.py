"""What docs/growth.md says of partitions is so."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, NotSupportedError, connection, transaction
from django.utils import timezone

from accounts.tests.factories import Person
from payments.models import StripeEvent
from payments.tests.at_once import execute
from payments.tests.factories import StripeEventFactory
from payments.tests.stripe_events import settle

PAGE = (Path(settings.BASE_DIR) / "docs" / "growth.md").read_text()


def statements(heading: str) -> str:
    [found] = re.findall(rf"<!-- test: {heading} -->\n```sql\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def bodies() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id FROM stripe_event_bodies")
        return {event for (event,) in cursor.fetchall()}


@pytest.mark.parametrize(
    ("table", "column"), [("stripe_events", "received_at"), ("ledger_entries", "created_at")]
)
def test_by_month_a_table_would_lose_its_unique_constraints(
    owner: None, table: str, column: str
) -> None:
    by_month = f"CREATE TABLE by_month (LIKE {table} INCLUDING ALL) PARTITION BY RANGE ({column})"

    refusal = pytest.raises(NotSupportedError, match="must include all partitioning columns")
    with refusal, transaction.atomic():
        execute(by_month)


def test_a_month_of_bodies_goes_and_what_is_not_finished_stays(owner: None, bob: Person) -> None:
    settle(bob.user)
    done = StripeEvent.objects.get()
    open_ = StripeEventFactory.create(outcome="quarantined", processed_at=timezone.now())
    execute(statements("bodies by month"))
    execute("INSERT INTO stripe_event_bodies SELECT id, '2026-12-24', body FROM stripe_events")
    before = bodies()

    execute(statements("drop a month"))

    assert before == {done.pk, open_.pk}
    assert bodies() == {open_.pk}
    with pytest.raises(IntegrityError), transaction.atomic():
        StripeEventFactory.create(event_id=done.event_id)
