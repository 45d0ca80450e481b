"""With a second factor on, a password alone does not log in."""

import re
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import AuditEntry, User
from accounts.tests.factories import logged_in, member_of, operator, with_password
from payments.tests.at_once import at_once

pytestmark = pytest.mark.usefixtures("clock")
PAGE = "/admin/second-factor/"
PASSWORD = "correct horse"
STEP = timedelta(seconds=30)


@pytest.fixture
def sam(db: None) -> Client:
    """The browser of Sam of Support, who has a password."""
    return logged_in(with_password(member_of("Support"), PASSWORD))


def code_now() -> str:
    """Return the code that Sam's app shows now."""
    device = TOTPDevice.objects.get(user__username="sam")
    return f"{TOTP(device.bin_key).token():06}"


def a_wrong_code() -> str:
    return f"{(int(code_now()) + 1) % 1_000_000:06}"


@pytest.fixture
def backup_codes(sam: Client, clock: Any) -> list[str]:
    """Sam's backup codes; the second factor was turned on half a minute ago."""
    sam.post(PAGE, {"step": "begin"})
    answer = sam.post(PAGE, {"step": "confirm", "code": code_now()})
    clock.shift(STEP)
    codes: list[str] = answer.context["codes"]
    return codes


def log_in(code: str = "", *, password: str = PASSWORD) -> Any:
    return Client().post("/admin/login/", {"username": "sam", "password": password, "code": code})


def is_logged_in(answer: Any) -> bool:
    return bool(answer.client.get("/admin/accounts/user/").status_code == 200)


def test_it_is_turned_on_by_a_code_for_the_shown_secret(sam: Client) -> None:
    sam.post(PAGE, {"step": "begin"})
    shown = sam.get(PAGE)

    answer = sam.post(PAGE, {"step": "confirm", "code": code_now()})

    assert "<svg" in shown.content.decode()
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", shown.context["secret"])
    assert len(set(answer.context["codes"])) == 10
    assert sam.get("/admin/").status_code == 200


def test_a_wrong_code_does_not_turn_it_on(sam: Client) -> None:
    sam.post(PAGE, {"step": "begin"})

    answer = sam.post(PAGE, {"step": "confirm", "code": a_wrong_code()})

    assert "This code is wrong" in answer.content.decode()
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert is_logged_in(log_in())


@pytest.mark.usefixtures("backup_codes")
def test_the_log_in_asks_for_the_code_beside_the_password(sam: Client) -> None:
    typed = f" {code_now()[:3]} {code_now()[3:]} "

    answers = [log_in(), log_in(code_now(), password="wrong"), log_in(typed)]

    assert [is_logged_in(answer) for answer in answers] == [False, False, True]
    assert "also needs the code" in answers[0].content.decode()
    wrong = log_in(a_wrong_code())
    assert "The code is not right" in wrong.content.decode()
    assert not is_logged_in(wrong)


@pytest.mark.parametrize("is_backup", [False, True], ids=["app", "backup"])
def test_a_code_works_once(sam: Client, backup_codes: list[str], is_backup: bool) -> None:
    code = backup_codes[0] if is_backup else code_now()

    assert [is_logged_in(log_in(code)) for _ in range(2)] == [True, False]
    assert backup_codes[1] not in sam.get(PAGE).content.decode()


def test_each_wrong_code_doubles_the_wait(sam: Client, backup_codes: list[str], clock: Any) -> None:
    for _ in range(2):
        log_in(a_wrong_code())
        clock.shift(1)

    too_soon = is_logged_in(log_in(code_now()))
    clock.shift(2)

    assert not too_soon
    assert is_logged_in(log_in(code_now()))


@pytest.mark.usefixtures("backup_codes")
def test_wrong_codes_lock_out_like_wrong_passwords(sam: Client, settings: Any, clock: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3

    answers = [log_in(a_wrong_code()) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]


@pytest.mark.usefixtures("backup_codes")
@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", PAGE, "/admin/jsi18n/"])
def test_a_session_without_the_code_opens_no_page(sam: Client, path: str) -> None:
    elsewhere = Client()
    elsewhere.force_login(User.objects.get(username="sam"))

    answer = elsewhere.get(path)

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")


@pytest.mark.usefixtures("backup_codes")
def test_it_is_turned_off_only_with_a_code_and_a_reason(sam: Client, clock: Any) -> None:
    were_on = []
    for code, reason in ((a_wrong_code(), "A new phone"), (code_now(), " ")):
        sam.post(PAGE, {"step": "turn off", "code": code, "reason": reason})
        were_on.append(TOTPDevice.objects.exists())
        clock.shift(STEP)

    sam.post(PAGE, {"step": "turn off", "code": code_now(), "reason": "A new phone"})

    assert were_on == [True, True]
    assert AuditEntry.objects.filter(by__username="sam", reason="A new phone").exists()
    assert not TOTPDevice.objects.exists()
    assert not StaticDevice.objects.exists()
    assert is_logged_in(log_in())


@pytest.mark.usefixtures("backup_codes")
def test_any_text_is_only_a_wrong_code_and_another_step_changes_nothing(sam: Client) -> None:
    for code in ("", "x" * 21, "nul\0", "１２３４５６", "+12345", "-----"):
        assert log_in(code).status_code == 200, code
    for step in ({}, {"step": "dance"}, {"step": "confirm", "code": "1"}, {"step": "begin"}):
        assert sam.post(PAGE, step).status_code in (302, 400), step
    # A second device needs the first turned off.
    assert TOTPDevice.objects.get().confirmed


@pytest.mark.usefixtures("backup_codes")
def test_a_superuser_removes_a_lost_device(sam: Client) -> None:
    olivia = operator()
    device = TOTPDevice.objects.get()
    path = f"/admin/otp_totp/totpdevice/{device.pk}"

    page = olivia.get(f"{path}/change/").content.decode()
    olivia.post(f"{path}/remove/", {"reason": "It fell into the sea"})

    assert device.key not in page
    assert is_logged_in(log_in())
    entry = AuditEntry.objects.get(action="turn off second factor")
    assert (str(entry.by), entry.reason) == ("olivia", "It fell into the sea")


@pytest.mark.django_db(transaction=True)
def test_one_code_sent_five_times_at_once_logs_in_once(
    sam: Client, clock: Any, many_places: None
) -> None:
    sam.post(PAGE, {"step": "begin"})
    sam.post(PAGE, {"step": "confirm", "code": code_now()})
    clock.shift(STEP)
    code = code_now()

    answers = at_once(*[partial(log_in, code)] * 5)

    assert Counter(answer.status_code for answer in answers) == {302: 1, 200: 4}


CLOSED = ("", "accounts/user/", "search/", "jsi18n/", "password_change/", "autocomplete/", "no/")


def test_where_it_is_required_staff_can_set_it_up_or_log_out_alone_until_it_is_on(
    sam: Client, settings: Any
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    begun = sam.get(PAGE).content.decode()
    sam.post(PAGE, {"step": "begin"})

    for path in CLOSED:
        for ask in (sam.get, sam.post):
            answer = ask(f"/admin/{path}")
            assert (answer.status_code, answer["Location"]) == (302, PAGE), path
    assert "Set up a second factor first" in begun
    assert Client().get("/admin/")["Location"].startswith("/admin/login/")
    sam.post(PAGE, {"step": "confirm", "code": code_now()})
    assert sam.get("/admin/").status_code == 200
    assert "Set up a second factor first" not in sam.get(PAGE).content.decode()


def test_where_it_is_required_one_may_log_out_before(sam: Client, settings: Any) -> None:
    settings.REQUIRE_SECOND_FACTOR = True

    assert sam.post("/admin/logout/").status_code == 200
