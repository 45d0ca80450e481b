"""The second factor of staff: a code from an authenticator app, and ten backup codes.

It is optional, unless the deployment has REQUIRE_SECOND_FACTOR. Once it is on, the log-in asks for
a code, and the admin is closed to sessions without one. The devices are django-otp's: each code
works once, and each wrong code doubles the wait before the next attempt, for all addresses
together.
"""

from base64 import b32encode
from datetime import datetime

import django_otp
from django.conf import settings
from django.db import transaction
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import audit
from accounts.errors import AccountError
from accounts.models import User

BACKUP_CODE_COUNT = 10
_DIGITS = 6


class WrongCodeError(AccountError):
    """The code is not the current one, was used before, or came too soon after a wrong one."""


class AlreadyOnError(AccountError):
    """The second factor is on; turn it off with a code before setting up another device."""


def is_on(user: User) -> bool:
    devices = TOTPDevice.objects.filter(user=user, confirmed=True)
    return bool(devices.exists())


def is_verified(user: User) -> bool:
    """Return whether the session of `user` has passed the second factor, or needs none."""
    # `otp_device` is set by django-otp's middleware from the session.
    return getattr(user, "otp_device", None) is not None or not is_on(user)


def must_set_up(user: User) -> bool:
    """Return whether `user` may do nothing in the admin but set up the second factor."""
    has_passed = getattr(user, "otp_device", None) is not None
    return settings.REQUIRE_SECOND_FACTOR and not has_passed and not is_on(user)


def start_setup(*, user: User) -> TOTPDevice:
    """Return a new device, which has no effect until it is confirmed. Raises AlreadyOnError."""
    if is_on(user):
        raise AlreadyOnError
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        return TOTPDevice.objects.create(user=user, name="App", confirmed=False)


def pending_device(user: User) -> TOTPDevice | None:
    """Return the device that is not confirmed yet, if any."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).order_by("-pk").first()


def readable_secret(device: TOTPDevice) -> str:
    """Return the secret in groups of four, to type into an app: `ABCD EFGH …`."""
    text = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def confirm(*, device: TOTPDevice, code: str, now: datetime) -> list[str]:
    """Turn the second factor on and return the backup codes, which are shown only now.

    Raises WrongCodeError.
    """
    if not django_otp.verify_token(device.user, device.persistent_id, _normalize(code)):
        raise WrongCodeError
    with transaction.atomic():
        # Conditional, so that a double click creates one set of backup codes.
        if not TOTPDevice.objects.filter(pk=device.pk, confirmed=False).update(confirmed=True):
            raise WrongCodeError
        codes = [StaticToken.random_token() for _ in range(BACKUP_CODE_COUNT)]
        backup = StaticDevice.objects.create(user=device.user, name="Backup codes")
        StaticToken.objects.bulk_create(StaticToken(device=backup, token=code) for code in codes)
        audit.record(
            by=device.user,
            action="turn on second factor",
            target=device.user,
            reason="Own account: the password and a code of the new device were given",
            now=now,
        )
    return codes


def verify(*, user: User, code: str) -> Device:
    """Return the device that this code belongs to, and use the code up. Raises WrongCodeError."""
    code = _normalize(code)
    # By the length: trying both kinds would count a wrong code against both.
    model = TOTPDevice if len(code) == _DIGITS else StaticDevice
    for device in model.objects.filter(user=user, confirmed=True).order_by("pk"):
        if django_otp.verify_token(user, device.persistent_id, code):
            return device
    raise WrongCodeError


def turn_off(*, user: User, code: str, reason: str, now: datetime) -> None:
    """Turn off one's own second factor. Raises WrongCodeError and ReasonMissingError."""
    verify(user=user, code=code)
    remove(user=user, by=user, reason=reason, now=now)


@transaction.atomic
def remove(*, user: User, by: User, reason: str, now: datetime) -> None:
    """Remove a person's device and backup codes: the password alone logs in again.

    Raises ReasonMissingError.
    """
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    audit.record(by=by, action="turn off second factor", target=user, reason=reason, now=now)


def _normalize(code: str) -> str:
    """Return the code without the spaces and dashes that people type for readability."""
    return "".join(code.split()).replace("-", "").lower()
