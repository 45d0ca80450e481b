"""The operators' commands print what they did, and exit with 1 on an error."""

import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from accounts.tests.factories import Person
from payments import inbox
from payments.models import StripeEvent
from payments.reports.invariants import INVARIANTS
from payments.tests.at_once import refusing
from payments.tests.guards import wrong
from payments.tests.stripe_events import (
    deliver,
    envelope,
    event,
    failed_event,
    pending_payment,
    settle,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Run:
    """The output and the exit status of a command."""

    def __init__(self, *arguments: str) -> None:
        out = io.StringIO()
        self.refusal, self.status = "", 0
        try:
            call_command(*arguments, stdout=out)
        except CommandError as refusal:
            self.refusal, self.status = str(refusal), refusal.returncode
        self.printed = out.getvalue()


def outcome_of(event_id: str) -> str:
    return StripeEvent.objects.get(event_id=event_id).outcome


class TestReplayEvents:
    """`manage.py replay_events`"""

    def test_a_failed_event_is_attempted_again_with_who_and_why_in_the_audit_log(
        self, alice: Person, bob: Person
    ) -> None:
        event_id = failed_event(pending_payment(bob.user)).event_id
        refused = Run("replay_events", event_id, "--reason", " ")
        assert (refused.status, refused.refusal) == (1, "Nothing was replayed: give a reason.")
        assert outcome_of(event_id) == "failed"

        run = Run("replay_events", event_id, "--reason", "Ticket 12")

        assert (run.status, outcome_of(event_id)) == (0, "settled")
        assert run.printed == (
            f"event_id{' ' * (len(event_id) - 8)}  event_type                  outcome  reason\n"
            f"{event_id}  checkout.session.completed  settled  awarded\n"
            "1 event replayed, 0 failed.\n"
        )
        assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
        entry = AuditEntry.objects.earliest("pk")
        assert (entry.by, entry.reason) == (None, "Ticket 12")
        assert entry.who.endswith(", on the command line")

    def test_a_quarantined_event_settles_once_its_cause_is_put_right(self, bob: Person) -> None:
        payment = pending_payment(bob.user)
        sent = event(payment)
        type(payment).objects.update(session_id="cs_test_mistyped")
        deliver(sent)
        still = Run("replay_events", sent["id"]), outcome_of(sent["id"])
        type(payment).objects.update(session_id=payment.session_id)

        run = Run("replay_events", sent["id"])

        assert (still[0].status, still[1]) == (0, "quarantined")
        assert (run.status, outcome_of(sent["id"]), bob.balance()) == (0, "settled", "20.00")

    def test_an_ignored_event_is_processed_when_its_type_has_a_handler(
        self, bob: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = event(pending_payment(bob.user))
        with monkeypatch.context() as earlier:
            earlier.delitem(inbox.HANDLERS, sent["type"])
            ignored = deliver(sent).json()["outcome"]

        Run("replay_events", sent["id"])

        assert (ignored, outcome_of(sent["id"])) == ("ignored", "settled")
        assert bob.balance() == "20.00"

    def test_with_failed_it_takes_all_that_are_unprocessed_and_counts_what_fails_again(
        self, bob: Person, charlie: Person
    ) -> None:
        event_ids = [
            failed_event(pending_payment(person.user)).event_id for person in (bob, charlie)
        ]
        deliver(envelope("customer.created", {}))

        with refusing("ledger_entries", sqlstate="P0001", times=1):
            failing = Run("replay_events", "--failed")
        balances = bob.balance(), charlie.balance()
        run, none = Run("replay_events", "--failed"), Run("replay_events", "--failed")
        done = Run("replay_events", *event_ids, "--format", "json")

        assert (failing.status, failing.refusal) == (
            1,
            "1 event failed again. The admin shows the last error of each event.",
        )
        assert failing.printed.splitlines()[-1] == "2 events replayed, 1 failed."
        assert balances == ("0.00", "10.00")
        assert run.printed.splitlines()[-1] == "1 event replayed, 0 failed."
        assert (none.status, none.printed) == (0, "0 events replayed, 0 failed.\n")
        assert [(row["event_id"], row["outcome"]) for row in json.loads(done.printed)] == [
            (event_id, "settled") for event_id in event_ids
        ]
        assert [StripeEvent.objects.get(event_id=pk).attempts for pk in event_ids] == [3, 2]
        assert (bob.balance(), charlie.balance()) == ("20.00", "10.00")

    @pytest.mark.parametrize(
        ("arguments", "refusal"),
        [
            (["evt_none"], "There is no event evt_none."),
            ([], "Give event ids, or --failed."),
            (["--failed", "evt_1"], "Give event ids, or --failed."),
        ],
    )
    def test_without_an_event_to_replay_it_exits_with_1(
        self, db: None, caplog: pytest.LogCaptureFixture, arguments: list[str], refusal: str
    ) -> None:
        run = Run("replay_events", *arguments)

        assert (run.status, run.refusal) == (1, refusal)
        assert caplog.records == []


@pytest.mark.negative_control
class TestCheckLedger:
    """`manage.py check_ledger`"""

    @pytest.fixture(autouse=True)
    def settled(self, bob: Person) -> None:
        settle(bob.user)

    def test_it_says_that_all_is_well(self) -> None:
        run, as_json = Run("check_ledger"), Run("check_ledger", "--json")

        assert (run.status, run.printed) == (0, f"{len(INVARIANTS)} invariants hold.\n")
        assert (as_json.status, json.loads(as_json.printed)) == (0, [])

    def test_it_prints_the_rows_and_exits_with_1(self, alice: Person) -> None:
        """Alice has five dollars that no entry gave her."""
        wrong(("UPDATE users SET credits = credits + 5 WHERE username = 'alice'",))
        invariant, subject = "a balance is the sum of its entries", f"user {alice.user.pk}"
        detail = "credits 15.00, entries 10.00"

        run, as_json = Run("check_ledger"), Run("check_ledger", "--json")

        assert (run.status, run.refusal) == (1, f"1 breach of {len(INVARIANTS)} invariants.")
        assert run.printed == f"{subject}: {detail} ({invariant})\n"
        assert as_json.status == 1
        assert json.loads(as_json.printed) == [
            {"invariant": invariant, "subject": subject, "detail": detail}
        ]
