"""A person shows or hides their own name, and nothing else."""

from typing import Any

import pytest

from accounts.tests.factories import Person

PATH = "/user/preferences"


def test_the_name_is_hidden_unless_the_caller_shows_it(alice: Person, charlie: Person) -> None:
    response = alice.api.patch(PATH, {"show_on_leaderboard": True}, format="json")

    assert (response.status_code, response.json()) == (200, {"show_on_leaderboard": True})
    assert alice.api.get(PATH).json() == {"show_on_leaderboard": True}
    assert charlie.api.get(PATH).json() == {"show_on_leaderboard": False}


def test_an_empty_body_changes_nothing(alice: Person) -> None:
    alice.api.patch(PATH, {"show_on_leaderboard": True}, format="json")

    response = alice.api.patch(PATH, {}, format="json")

    assert response.json() == {"show_on_leaderboard": True}


@pytest.mark.parametrize("value", [None, "true", 1, "", [], {}])
def test_it_accepts_only_true_and_false(alice: Person, value: Any) -> None:
    response = alice.api.patch(PATH, {"show_on_leaderboard": value}, format="json")

    assert response.status_code == 400
    assert "show_on_leaderboard" in response.json()["errors"]


def test_no_other_column_can_be_changed(alice: Person) -> None:
    alice.api.patch(PATH, {"credits": 1000, "is_staff": True}, format="json")

    alice.user.refresh_from_db()
    assert (alice.balance(), alice.user.is_staff) == ("0.00", False)
