"""A rewrite of sealed entries comes to light, and no posting waits for a seal."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from accounts import complete_rows, ledger_seals
from accounts.models import LedgerEntry, LedgerSeal
from accounts.tests.factories import Person, give
from payments.tests.at_once import PATIENCE_SECONDS, in_background
from payments.tests.guards import wrong

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def seal() -> int:
    return ledger_seals.seal_new_entries(now=NOW)


def newest_head() -> str:
    return str(ledger_seals.newest())


def check(**options: Any) -> str:
    """Return what `check_ledger` prints, errors included."""
    out = StringIO()
    try:
        call_command("check_ledger", stdout=out, **options)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


def test_each_entry_is_sealed_once_and_each_head_chained_to_the_one_before(sealed: Person) -> None:
    seals = LedgerSeal.objects.order_by("pk")
    heads = [bytes(seal.head) for seal in seals]

    assert [bytes(seal.previous_head) for seal in seals] == [ledger_seals.FIRST_HEAD, *heads[:-1]]
    assert len(heads) == 3
    assert seal() == 0
    assert ledger_seals.broken() == []


FIRST = "WHERE id = (SELECT min(id) FROM ledger_entries)"
REWRITES = [
    " ".join(["UPDATE ledger_entries SET", change, FIRST])
    for change in (
        *(
            "amount = amount + 1",
            "balance_after = 0",
            "kind = 'adjustment'",
            "description = 'Other'",
        ),
        *("reference = 'cs_other'", "idempotency_key = 'other'", "number = 9"),
        *("created_at = created_at + interval '1 microsecond'", "user_id = user_id + 1"),
        *("posted_by_id = user_id", "kind = 'reversal', reverses_id = id"),
    )
]
REWRITES += [
    " ".join(["DELETE FROM ledger_entries", FIRST]),
    """INSERT INTO ledger_entries
       SELECT (jsonb_populate_record(original, '{"id": -1, "number": 9, "idempotency_key": "x"}')).*
       FROM ledger_entries original LIMIT 1""",
]


@pytest.mark.negative_control
@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_rewrite_by_the_owner_is_found(sealed: Person, rewrite: str) -> None:
    first = LedgerSeal.objects.order_by("pk")[0]

    wrong((rewrite,))

    assert ledger_seals.broken() == [(first.pk, "its entries are not those that were sealed")]
    assert f"seal {first.pk}: its entries are not those that were sealed" in check()


@pytest.mark.negative_control
def test_a_seal_that_is_taken_out_is_found(sealed: Person) -> None:
    _, second, third = LedgerSeal.objects.order_by("pk")

    wrong(("DELETE FROM ledger_seals WHERE id = %s", str(second.pk)))

    assert ledger_seals.broken() == [(third.pk, "it does not continue the seal before")]


@pytest.mark.negative_control
def test_a_rewrite_with_new_seals_is_found_by_a_head_that_was_kept(sealed: Person) -> None:
    kept = newest_head()

    wrong((REWRITES[0],), ("DELETE FROM ledger_seals",))
    seal()

    assert ledger_seals.broken() == []
    assert newest_head() != kept
    assert f"{kept}: no seal has this head" in check(head=kept)


def test_the_check_prints_the_newest_head_and_accepts_an_older_one_alone(sealed: Person) -> None:
    older = str(LedgerSeal.objects.order_by("pk")[0])
    last = LedgerEntry.objects.latest("pk").pk

    said = check(head=older)

    today = timezone.now().date()
    assert f"The ledger continues from {older}: sealed {today} " in said
    assert f"Newest head: {newest_head()} (sealed {today} " in said
    assert said.endswith(f", up to entry {last}).\n")
    for head in ("00", "nonsense", "ab" * 32):
        assert f"{head}: no seal has this head" in check(head=head)


def post_in_between(alice: Person, charlie: Person, meanwhile: Callable[[Event], Any]) -> Any:
    """Run `meanwhile` while Alice's entry has the lower id and is not committed, until it says so.

    Return what it returned.
    """
    has_lower_id, may_commit = Event(), Event()

    def slow() -> None:
        with transaction.atomic():
            give(alice, "1.00")
            has_lower_id.set()
            assert may_commit.wait(PATIENCE_SECONDS)

    with in_background(slow) as posting:
        assert has_lower_id.wait(PATIENCE_SECONDS)
        give(charlie, "2.00")
        result = meanwhile(may_commit)
        may_commit.set()
    posting.result()
    return result


@pytest.mark.django_db(transaction=True)
def test_a_lower_id_that_is_committed_later_is_sealed_in_its_place(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, has_looked = complete_rows._writing, Event()

    def looked(model: type[Model]) -> set[str]:
        found = look(model)
        has_looked.set()
        return found

    def seal_and_post(may_commit: Event) -> int:
        with in_background(seal) as sealing:
            assert has_looked.wait(PATIENCE_SECONDS)
            # The seal waits; a posting does not wait for the seal.
            give(charlie, "3.00")
            assert not sealing.done()
            may_commit.set()
        return sealing.result()

    monkeypatch.setattr(complete_rows, "_writing", looked)
    assert post_in_between(alice, charlie, seal_and_post) == 2

    owners = LedgerEntry.objects.order_by("pk").values_list("user", flat=True)
    assert [*owners] == [alice.user.pk, charlie.user.pk, charlie.user.pk]
    assert LedgerSeal.objects.get().last_entry_id == LedgerEntry.objects.order_by("pk")[1].pk
    assert ledger_seals.broken() == []
    assert seal() == 1


@pytest.mark.django_db(transaction=True)
def test_it_seals_nothing_while_a_posting_takes_too_long(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete_rows, "PATIENCE_SECONDS", 0.05)

    assert post_in_between(alice, charlie, lambda _: seal()) == 0
    assert seal() == 2


@pytest.mark.negative_control
@pytest.mark.django_db(transaction=True)
def test_without_the_wait_a_lower_id_would_come_too_late(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete_rows, "_writing", lambda _: set())

    assert post_in_between(alice, charlie, lambda _: seal()) == 1

    [(_, why)] = ledger_seals.broken()
    assert why == "its entries are not those that were sealed"


@pytest.mark.negative_control
@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_two_connections_find_every_broken_seal(sealed: Person) -> None:
    seals = LedgerSeal.objects.order_by("pk").values_list("pk", flat=True)

    with transaction.atomic():
        wrong(("UPDATE ledger_entries SET description = ''",))

    assert ledger_seals.broken() == [
        (seal_id, "its entries are not those that were sealed") for seal_id in seals
    ]
