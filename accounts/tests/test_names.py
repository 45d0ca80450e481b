"""Names are unique without regard to case, in any locale, and none looks like one of staff."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import names, people
from accounts.constraints import violated
from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from accounts.tests.roles import as_owner
from accounts.tests.test_registration import ask
from payments.tests.at_once import execute

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("taken", "name"), [("zoë", "ZOË"), ("ОЛЬГА", "ольга"), ("ﬁona", "FIONA")])
def test_a_name_is_taken_in_any_case(taken: str, name: str) -> None:
    """As in the C locale, where LOWER() leaves these letters as they are."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX users_username_any_case_unique")
    assert ask(username=taken).status_code == 201

    answer = ask(username=name, email="other@example.com")

    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")


def test_the_database_keeps_it_for_whatever_form_saves_a_user() -> None:
    with as_owner():
        execute("DROP INDEX users_username_any_case_unique")
    UserFactory.create(username="zoë")
    other = UserFactory.create()
    other.username = "ZOË"

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        other.save(update_fields=["username"])

    assert violated(refused.value) == "users_username_folded_unique"


@pytest.mark.parametrize(
    "name", ["rоot", "аlice", "alicе", "ΑLICE", "alicе.smith", "дima", "rooт", "あя"], ids=ascii
)
def test_letters_of_several_alphabets_are_refused(name: str) -> None:
    answer = ask(username=name)

    assert answer.status_code == 400
    assert answer.json()["errors"] == {
        "username": ["Letters of different alphabets look alike: use those of one."]
    }
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["zoë", "Ольга", "Ω", "山田taro", "ゆきユキ", "dave_1.2@x", "ß-ñ"])
def test_one_alphabet_is_allowed(name: str) -> None:
    assert ask(username=name).status_code == 201


@pytest.mark.parametrize(
    ("staff", "name"),
    [
        ("olivia", "0livia"),
        ("olivia", "ol1via"),
        ("olivia", "OIivia"),
        ("olivia", "olívia"),
        ("coco", "сосо"),
        ("marvin", "rnarvin"),
        ("will", "vvill"),
    ],
    ids=ascii,
)
def test_a_name_that_looks_like_one_of_staff_is_refused(staff: str, name: str) -> None:
    StaffFactory.create(username=staff)

    answer = ask(username=name)

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"username": ["This looks like the name of somebody else."]}


def test_the_same_name_is_taken_and_another_persons_is_free() -> None:
    StaffFactory.create(username="olivia")
    UserFactory.create(username="marvin")

    assert ask(username="OLIVIA").status_code == 409
    assert ask(username="rnarvin").status_code == 201


def test_who_has_such_a_name_keeps_it() -> None:
    person = UserFactory.create(username="rоot")

    person.email = "new@example.com"
    person.save()

    assert User.objects.get().username_folded == "rоot"


def test_names_that_another_program_wrote_are_folded() -> None:
    UserFactory.create(username="zoë")
    execute("UPDATE users SET username_folded = NULL")

    assert [people.fold_names(User.objects.all()) for _ in range(2)] == [1, 0]
    assert User.objects.get().username_folded == names.fold("ZOË")
