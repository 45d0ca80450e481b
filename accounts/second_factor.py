"""The optional second factor of staff: a code from an app on the phone, and ten codes for without.

Once it is on, the log-in asks for a code and no session opens the admin that has not given one.
The devices are django-otp's: each code works once, and wrong ones are followed by a wait that
doubles, whoever tries and from wherever.
"""

from base64 import b32encode
from datetime import datetime

import django_otp
from django.db import transaction
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import audit
from accounts.models import User

BACKUP_CODES = 10
_DIGITS = 6


class WrongCodeError(Exception):
    """The code is not the present one, was used before, or comes too soon after a wrong one."""


class AlreadyOnError(Exception):
    """Another device is set up only after the present one is turned off, with its code."""


def is_on(user: User) -> bool:
    devices = TOTPDevice.objects.filter(user=user, confirmed=True)
    return bool(devices.exists())


def is_given(user: User) -> bool:
    """Tell whether this session has given what the person's account asks for."""
    return getattr(user, "otp_device", None) is not None or not is_on(user)


def begin(*, user: User) -> TOTPDevice:
    """Return a new device, which counts for nothing until it is confirmed.

    Raises AlreadyOnError.
    """
    if is_on(user):
        raise AlreadyOnError
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        return TOTPDevice.objects.create(user=user, name="App", confirmed=False)


def begun(user: User) -> TOTPDevice | None:
    """Return the device that waits to be confirmed."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).order_by("-pk").first()


def secret_of(device: TOTPDevice) -> str:
    """Return the secret as people type it into an app: `ABCD EFGH …`."""
    text = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def confirm(*, device: TOTPDevice, code: str, now: datetime) -> list[str]:
    """Turn the second factor on and return the backup codes, for the only time.

    Raises WrongCodeError.
    """
    if not django_otp.verify_token(device.user, device.persistent_id, _typed(code)):
        raise WrongCodeError
    with transaction.atomic():
        if not TOTPDevice.objects.filter(pk=device.pk, confirmed=False).update(confirmed=True):
            raise WrongCodeError
        codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
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
    """Return the device that the code is of; the code is used up. Raises WrongCodeError."""
    typed = _typed(code)
    kind = TOTPDevice if len(typed) == _DIGITS else StaticDevice
    for device in kind.objects.filter(user=user, confirmed=True).order_by("pk"):
        if django_otp.verify_token(user, device.persistent_id, typed):
            return device
    raise WrongCodeError


def turn_off(*, user: User, code: str, reason: str, now: datetime) -> None:
    """Remove what the person set up. Raises WrongCodeError and ReasonMissingError."""
    verify(user=user, code=code)
    remove(user=user, by=user, reason=reason, now=now)


@transaction.atomic
def remove(*, user: User, by: User, reason: str, now: datetime) -> None:
    """Remove a person's devices and backup codes, so that the password alone logs in again.

    Raises ReasonMissingError.
    """
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    audit.record(by=by, action="turn off second factor", target=user, reason=reason, now=now)


def _typed(code: str) -> str:
    """Return the code without what people put in between to read it."""
    return "".join(code.split()).replace("-", "").lower()
