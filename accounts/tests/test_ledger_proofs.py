"""A person proves an entry of theirs to anybody, who needs nothing of ours for that."""

import json
import subprocess
import sys
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import ledger_seals, prepared
from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from payments.tests.stripe_events import settle


def verify(proof: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Let the verifier that people get judge the proof, in a process without our modules."""
    return subprocess.run(
        [sys.executable, "-I", settings.BASE_DIR / "docs/verify_proof.py", *arguments],
        input=json.dumps(proof),
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )


def prove(person: Person, entry: LedgerEntry) -> Any:
    answer = person.api.get(f"/user/transactions/{entry.pk}/proof")
    assert answer.status_code == 200
    return answer.json()


def test_a_person_proves_each_of_their_entries_and_shows_no_cause(sealed: Person) -> None:
    entries = LedgerEntry.objects.filter(user=sealed.user).order_by("pk")

    for entry in entries:
        proof = prove(sealed, entry)
        outcome = verify(proof, proof["head"])
        assert outcome.returncode == 0, outcome.stderr
        lines = dict(line.split(maxsplit=1) for line in outcome.stdout.splitlines())
        assert (lines["id"], lines["amount"]) == (str(entry.pk), str(entry.amount))
        assert lines["description"] == entry.description
        assert lines["head"] == proof["head"]
        assert ledger_seals.find(proof["head"])
        assert entry.idempotency_key not in proof["entry"]
        assert not entry.reference or entry.reference not in proof["entry"]
    assert len(entries) == 3
    first = prove(sealed, entries[0])
    assert verify(first).returncode == 0
    assert verify(first, str(ledger_seals.newest())).returncode == 1


@pytest.mark.parametrize("salt", [b"salt", None], ids=["salt", "the control"])
def test_the_entry_beside_theirs_is_not_found_by_trying(
    alice: Person, bob: Person, charlie: Person, salt: bytes | None
) -> None:
    """Of the friend's bonus a referrer knows all but the balance."""
    settle(charlie.user)  # so that the two bonuses are a pair in the tree
    settle(bob.user)
    with patch("secrets.token_bytes", return_value=salt):
        ledger_seals.seal_new_entries(now=timezone.now())
    path = prove(alice, LedgerEntry.objects.get(user=alice.user))["audit_path"]

    newest = LedgerEntry.objects.latest("pk").pk
    guesses = {leaf.hex() for _, leaf in prepared.fetch(ledger_seals._BATCH, [None, 0, newest, 9])}

    assert bool(guesses & set(path)) is (salt is None)


def test_a_seal_without_a_salt_is_proved_and_checked_as_before(sealed: Person) -> None:
    settle(sealed.user)
    with patch("secrets.token_bytes", return_value=None):
        ledger_seals.seal_new_entries(now=timezone.now())

    assert verify(prove(sealed, LedgerEntry.objects.latest("pk"))).returncode == 0
    assert ledger_seals.broken() == []


@pytest.mark.parametrize(
    "change",
    [
        {"entry": "1|1|1|purchase|1000.00"},
        {"leaf_index": 1},
        {"leaf_index": -1},
        {"leaf_index": 7},
        {"tree_size": 3},
        {"tree_size": 1},
        {"audit_path": []},
        {"audit_path": ["ab" * 32]},
        {"previous_head": "ab" * 32},
        {"head": "ab" * 32},
    ],
    ids=str,
)
def test_a_forged_proof_is_refused(sealed: Person, change: dict[str, Any]) -> None:
    first = LedgerEntry.objects.filter(user=sealed.user).earliest("pk")

    outcome = verify(prove(sealed, first) | change)

    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "does not lead" in outcome.stderr


def test_what_is_not_sealed_has_no_proof_yet_nor_has_what_is_anothers(
    sealed: Person, charlie: Person
) -> None:
    settle(sealed.user)
    newest = LedgerEntry.objects.latest("pk")

    answer = sealed.api.get(f"/user/transactions/{newest.pk}/proof")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_sealed")
    for pk in (LedgerEntry.objects.earliest("pk").pk, 10**18):
        assert charlie.api.get(f"/user/transactions/{pk}/proof").status_code == 404
