"""Codes are random, unique, and found as people type them: in any case, in ASCII only."""

import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.tests.factories import Person, register
from referrals import codes

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

# What a caller can put in the place of the code SILK1234, and is no code.
NO_CODES: list[Any] = [
    "",
    " ",
    "x" * 1000,
    "SILK123",
    "SILK12345",
    "SILK1234\x00",
    "SILK\x001234",
    "SILK1234\n",
    "\nSILK1234",
    "SILK1234\t",
    "SILK 1234",
    "SILK\u00a01234",
    "\u3000SILK1234",
    "\u017fILK1234",  # ſ, which str.upper makes an S
    "S\u0131LK1234",  # ı, which str.upper makes an I
    "SIL\u212a1234",  # the Kelvin sign, which str.lower makes a k
    "SILK\u0661\u0662\u0663\u0664",  # Arabic digits
    "\uff33ILK1234",  # a full-width S
    "\u0405ILK1234",  # a Cyrillic Dze
    "SILK1234\u200b",
    "\ud800",
    "________",
    "%",
    "SILK%",
    "' OR '1'='1",
    "SILK1234'; DROP TABLE users; --",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "🎁🎁🎁🎁🎁🎁🎁🎁",
    None,
    True,
    0,
    12345678,
    1.5,
    [],
    ["SILK1234"],
    {},
    {"$ne": ""},
]


@pytest.fixture
def silk(alice: Person) -> Person:
    """Alice, with a code whose letters have look-alikes in Unicode."""
    alice.change(referral_code="SILK1234")
    alice.user.refresh_from_db()
    return alice


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make `secrets` produce the given codes, then the last one again and again."""

    def spell(*words: str) -> None:
        letters = iter("".join(words) + words[-1] * codes.ATTEMPTS)
        really = secrets.choice
        monkeypatch.setattr(
            secrets, "choice", lambda of: next(letters) if set(of) == ALPHABET else really(of)
        )

    return spell


@pytest.mark.parametrize("length", [6, 8, 16])
def test_a_code_is_as_long_as_asked_and_of_capitals_and_digits(length: int) -> None:
    made = [codes.generate(length) for _ in range(200)]

    assert {len(code) for code in made} == {length}
    assert set("".join(made)) == ALPHABET


def test_seeding_random_does_not_predict_a_code() -> None:
    random.seed(1)
    first = codes.generate(8)

    random.seed(1)

    assert codes.generate(8) != first


def test_it_finds_a_code_in_any_case_and_with_spaces_around_until_its_owner_is_deactivated(
    silk: Person,
) -> None:
    for typed in ("SILK1234", "silk1234", "SiLk1234", " SILK1234", "SILK1234   ", "  silk1234 "):
        found = codes.find(typed, now=NOW)
        assert found, typed
        assert found.owner == silk.user
    silk.change(is_active=False)
    assert codes.find("SILK1234", now=NOW) is None


def test_it_finds_nothing_else(silk: Person) -> None:
    for typed in NO_CODES:
        assert codes.find(typed, now=NOW) is None, typed


def root() -> User:
    """Return a user as the command line creates them: without a code."""
    return User.objects.create_user("root", "root@example.com")


WAYS: dict[str, Callable[[], str]] = {
    "registered": lambda: register("erin").code,
    "later": lambda: codes.ensure_code(root(), now=NOW),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_code_that_is_in_use_is_generated_again(
    alice: Person, draw: Callable[..., None], way: str
) -> None:
    draw(alice.code, "FRESH123")

    assert WAYS[way]() == "FRESH123"


@pytest.mark.parametrize("way", WAYS)
def test_it_gives_up_when_every_code_is_taken(
    alice: Person, draw: Callable[..., None], way: str
) -> None:
    draw(alice.code)

    with pytest.raises(codes.NoFreeCodeError):
        WAYS[way]()

    assert not User.objects.filter(username="erin").exists()


@pytest.mark.parametrize("code", ["abcd1234", "ABC", "ABCD123\u0664", "ABCD1234\n", ""])
def test_the_database_refuses_a_malformed_code(alice: Person, code: str) -> None:
    with pytest.raises(IntegrityError, match="referral_code_form"), transaction.atomic():
        alice.change(referral_code=code)


def test_a_code_is_made_once_and_never_changes(db: None) -> None:
    codeless = root()
    same_user = User.objects.get(pk=codeless.pk)

    first, second, third = (
        codes.ensure_code(user, now=NOW) for user in (codeless, same_user, codeless)
    )

    assert first == second == third
    assert len(first) == 8
