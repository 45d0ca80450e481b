"""People choose what others see of them, and which e-mails they get."""

from functools import partial
from typing import Any

import pytest

from accounts import people
from accounts.models import User
from accounts.preferences import EmailKind, shown_to_referrer
from accounts.tests.factories import Person
from payments.tests.at_once import at_once
from payments.tests.stripe_events import settle

PATH = "/user/preferences"
EVERY_KIND = dict.fromkeys(list(EmailKind), True)
AT_FIRST = {
    "show_on_leaderboard": False,
    "show_to_referrer": "username",
    "emails": EVERY_KIND,
}


def patch(person: Person, body: Any) -> Any:
    return person.api.patch(PATH, body, format="json")


def test_the_choices_that_are_given_are_changed_and_the_rest_stays(
    alice: Person, charlie: Person
) -> None:
    patch(alice, {"show_on_leaderboard": True})
    patch(alice, {"show_to_referrer": "initials"})
    patch(alice, {"emails": {"bonus_earned": False, "welcome": False}})

    response = patch(alice, {"emails": {"welcome": True}, "credits": 1000, "is_staff": True})

    emails = EVERY_KIND | {"bonus_earned": False}
    chosen = {"show_on_leaderboard": True, "show_to_referrer": "initials", "emails": emails}
    assert (response.status_code, response.json()) == (200, chosen)
    assert alice.api.get(PATH).json() == patch(alice, {}).json() == chosen
    assert charlie.api.get(PATH).json() == AT_FIRST
    assert (alice.balance(), alice.user.is_staff) == ("0.00", False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"show_on_leaderboard": "true"}, "show_on_leaderboard: Must be a valid boolean."),
        ({"show_on_leaderboard": 1}, "show_on_leaderboard: Must be a valid boolean."),
        ({"show_on_leaderboard": []}, "show_on_leaderboard: Must be a valid boolean."),
        ({"show_to_referrer": "nick"}, 'show_to_referrer: "nick" is not a valid choice.'),
        ({"show_to_referrer": None}, "show_to_referrer: This field may not be null."),
        ({"emails": {"welcome": 1}}, "emails: welcome: Must be a valid boolean."),
        (
            {"emails": {"log_in": False}},
            "emails: log_in: Unknown kind; known are welcome, friend_signed_up, bonus_earned, "
            "bonus_taken_back, adjustment.",
        ),
        (
            {"emails": []},
            "emails: Invalid data. Expected a dictionary, but got list.",
        ),
    ],
)
def test_it_refuses_what_is_no_choice(alice: Person, body: Any, message: str) -> None:
    response = patch(alice, {"show_on_leaderboard": True} | body)

    assert (response.status_code, response.json()["detail"]) == (400, message)
    assert alice.api.get(PATH).json() == AT_FIRST


@pytest.mark.django_db(transaction=True)
def test_switching_all_kinds_off_at_once_switches_all_off(alice: Person) -> None:
    at_once(
        *(
            partial(people.update_preferences, alice.user, emails={kind: False})
            for kind in EmailKind
        )
    )

    assert not any(people.preferences(alice.user)["emails"].values())


@pytest.mark.parametrize(
    ("name", "initials"),
    [("bob", "B."), ("bob.b-smith_jr4", "B. B. S."), ("élodie", "É."), ("__", "a friend")],
)
def test_initials_are_those_of_the_words_of_a_name(name: str, initials: str) -> None:
    assert shown_to_referrer(name, "initials") == initials


@pytest.mark.parametrize(
    ("choice", "name", "said"),
    [
        ("username", "bob", "Your friend bob has bought"),
        ("initials", "B.", "Your friend B. has bought"),
        ("hidden", "a friend", "A friend of yours has bought"),
    ],
)
def test_the_referrer_sees_what_the_referee_chose(
    alice: Person, bob: Person, choice: str, name: str, said: str
) -> None:
    patch(bob, {"show_to_referrer": choice})
    settle(bob.user)

    stats, explained = (alice.api.get(f"/referral/{path}").json() for path in ("stats", "explain"))

    [friend] = explained["friends"]
    assert [row["username"] for row in stats["referrals"]] == [name] == [friend["username"]]
    assert friend["sentence"].startswith(said)


def test_the_database_gives_older_code_the_defaults(alice: Person, owner: None) -> None:
    User.objects.bulk_create([User(username="u", email="u@example.com")])

    made = User.objects.get(username="u")
    assert (made.show_to_referrer, made.emails_off) == ("username", [])
