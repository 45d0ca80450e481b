"""`manage.py reconcile_stripe` lists what did not reach us, and resolves it with --apply."""

from typing import Any

import pytest

from accounts.models import AuditEntry
from accounts.tests.factories import Person
from payments.tests import test_reconciliation
from payments.tests.fake_stripe import stripe_answers, stripe_is_down
from payments.tests.sandbox_purchases import pay
from payments.tests.test_commands import Run
from payments.tests.test_reconciliation import forget_events

stripe_knows_nothing_yet = test_reconciliation.stripe_knows_nothing_yet


def command(*arguments: str) -> list[str]:
    """Run `manage.py reconcile_stripe` and return its output as lines."""
    run = Run("reconcile_stripe", *arguments)
    assert (run.status, run.refusal) == (0, "")
    return run.printed.splitlines()


def refusal(*arguments: str) -> str:
    run = Run("reconcile_stripe", *arguments)
    assert run.status == 1
    return run.refusal


def test_the_command_shows_what_it_would_do(bob: Person) -> None:
    payment = pay(bob)
    forget_events()

    header, difference, *end = command()

    assert header.split() == ["stripe_id", "difference", "remedy", "outcome"]
    assert difference == (
        f"{payment.session_id}  paid, but payment {payment.pk} is pending  settle the purchase"
    )
    assert end[0].startswith("1 difference since ")
    assert end[1] == "Nothing was changed. Resolve them with --apply."
    assert bob.balance() == "0.00"


def test_the_command_settles_with_apply_and_says_so_in_the_audit_log(bob: Person) -> None:
    pay(bob)

    command("--reason", "To look only")
    first, second = (command("--apply", "--reason", f"Endpoint down {n}") for n in (1, 2))

    assert first[1].endswith(
        "  checkout.session.completed was not processed  process the event  settled"
    )
    assert (len(first), len(second)) == (3, 1)
    assert second[0].startswith("0 differences since ")
    assert bob.balance() == "20.00"
    entries = AuditEntry.objects.order_by("pk").values_list("action", "reason")
    assert list(entries) == [("reconcile Stripe", f"Endpoint down {n}") for n in (1, 2)]


def test_an_empty_reason_applies_nothing(bob: Person) -> None:
    pay(bob)

    assert refusal("--apply", "--reason", " ") == "Nothing was changed: give a reason."
    assert bob.balance() == "0.00"


@pytest.mark.parametrize(
    ("since", "moment"),
    [
        ("2999-01-01", "2999-01-01 00:00"),
        ("2999-01-01T12:30", "2999-01-01 12:30"),
        ("2999-01-01T12:30+00:00", "2999-01-01 12:30"),
        ("2999-01-01T12:30+02:00", "2999-01-01 10:30"),
    ],
)
def test_since_is_a_day_or_a_moment(bob: Person, since: str, moment: str) -> None:
    pay(bob)

    assert command("--since", since) == [f"0 differences since {moment} UTC."]


@pytest.mark.parametrize("since", ["yesterday", "", "2026-13-01", "22.11.2026"])
def test_since_is_nothing_else(db: None, since: str) -> None:
    assert "is not a date" in refusal("--since", since)


def test_the_command_fails_while_stripe_is_down_and_when_it_refuses(settings: Any) -> None:
    answer = b'{"error": {"type": "invalid_request_error", "message": "Not like this."}}'

    with stripe_is_down(settings):
        assert refusal("--apply").startswith("Stripe: ")
    with stripe_answers(settings, 400, answer):
        assert refusal("--apply").startswith("Stripe: Not like this")
