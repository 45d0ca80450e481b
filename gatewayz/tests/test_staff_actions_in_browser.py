"""What superusers do at the desk in a real browser: staff and lost phones."""

from uuid import uuid4

from django.contrib.auth.models import Group
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import AuditEntry, User
from accounts.tests.factories import member_of
from gatewayz.tests.desk_browser import ON_A_PHONE, Desk

PASSWORD = "battery staple 7"


def log() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "reason"))


def test_a_lost_phone_is_removed(desk: Desk) -> None:
    TOTPDevice.objects.create(user=member_of("Support"), name="App", key=uuid4().hex)
    desk.become("Olivia")
    desk.open("/admin/otp_totp/totpdevice/")
    desk.follow("sam")
    desk.follow("Remove…")
    desk.fill("Reason", "It fell into the sea")
    desk.press("Remove it")

    desk.reads("logs in by the password alone")
    assert TOTPDevice.objects.count() == 0
    assert log() == [("turn off second factor", "It fell into the sea")]


@ON_A_PHONE
def test_a_colleague_is_added_and_given_a_group_and_a_password(desk: Desk) -> None:
    desk.become("Olivia")
    desk.open("/admin/accounts/user/add/")
    desk.fill("Username", "nina")
    desk.fill("E-mail address", "nina@example.com")
    desk.window.get_by_label("Disabled").check()
    desk.fill("Reason", "She begins on Monday")
    desk.press("Save")
    nina = User.objects.get(username="nina").pk

    desk.open(f"/admin/accounts/user/{nina}/change/")
    desk.window.get_by_label("Staff status").check()
    desk.fill("Reason", "Support needs Nina")
    desk.press("Save")
    desk.open(f"/admin/accounts/user/{nina}/password/")
    desk.window.get_by_label("Password").first.fill(PASSWORD)
    desk.fill("Password confirmation", PASSWORD)
    desk.fill("Reason", "Her first one")
    desk.press("Change password")

    assert User.objects.get(pk=nina).check_password(PASSWORD)
    assert log() == [
        ("add user", "She begins on Monday"),
        ("edit user", "Support needs Nina"),
        ("set password", "Her first one"),
    ]


def test_a_group_of_staff_is_made_with_a_reason(desk: Desk) -> None:
    desk.become("Olivia")
    desk.open("/admin/auth/group/add/")
    desk.fill("Name", "Interns")
    desk.fill("Reason", "For the summer")
    desk.press("Save")

    assert Group.objects.filter(name="Interns").exists()
    assert log() == [("add group", "For the summer")]
