"""The log-in to the admin: its form, and the limit on it by django-axes against guessing.

Ten wrong attempts of one name from one address, each within an hour of the last, lock that name
out from that address for an hour; from elsewhere it stays open, or anybody could lock an operator
out. A log-in that succeeds forgets the wrong attempts before it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.contrib import admin
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from psycopg.errors import LockNotAvailable
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from accounts import advisory_locks, audit, second_factor
from accounts.models import User
from gatewayz.adminbase.content_policy import as_unfold_needs
from gatewayz.http.client_address import client_address


class LogInForm(AuthenticationForm):
    """Name and password, and a code of those who have set up a second factor."""

    # A name that is too long for anybody's is refused before axes keeps it.
    username = UsernameField(max_length=150)
    code = forms.CharField(
        max_length=20,
        required=False,
        help_text="If you have set up a second factor: from your app, or a backup code.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Ask for the code once the password is right; it is guessed as little as that is."""
        super().confirm_login_allowed(user)
        if not isinstance(user, User) or not second_factor.is_on(user):
            return
        code = self.cleaned_data.get("code")
        if not code:
            raise ValidationError("This account also needs the code from your app.", "code")
        try:
            device = second_factor.verify(user=user, code=code)
        except second_factor.WrongCodeError:
            self._count_as_wrong(user)
            raise ValidationError(
                "The code is not right. Each works once; wait for the next one.", "code"
            ) from None
        user.otp_device = device  # type: ignore[attr-defined]  # django-otp marks the session by it

    def _count_as_wrong(self, user: User) -> None:
        credentials = {"username": user.get_username()}
        user_login_failed.send(__name__, credentials=credentials, request=self.request)


def address(request: HttpRequest) -> str | None:
    """Return whose attempts are counted together; of a network its first address stands for it."""
    return client_address(request).partition("/")[0] or None


class TooManyAtOnceError(Exception):
    """Others of the same name and address were looked at for as long as this one could wait."""


@contextmanager
def one_at_a_time(request: HttpRequest) -> Iterator[None]:
    """Let this attempt wait for others of the same name and address, in any process.

    Axes looks before the password is checked and counts after: at once, more than the limit would
    slip through in between. Nobody waits longer than the database lets wait for a lock, as each
    who waits keeps a thread busy. Raises TooManyAtOnceError.
    """
    # Axes keeps what the browser calls itself, and PostgreSQL refuses a NUL.
    request.META["HTTP_USER_AGENT"] = request.META.get("HTTP_USER_AGENT", "").replace("\0", "")
    # As the form folds different spellings into one name.
    name = UsernameField().to_python(request.POST.get("username", ""))
    with transaction.atomic():
        _take_turn(f"log-in {address(request)} {name}".replace("\0", ""))
        yield


def _take_turn(name: str) -> None:
    try:
        advisory_locks.take_turn(name)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise TooManyAtOnceError from error
        raise


def busy(request: HttpRequest) -> HttpResponse:
    """Ask whoever could not wait any longer to come back."""
    page = {**admin.site.each_context(request), "title": "Busy"}
    answer = render(request, "admin/log_in_busy.html", page, status=429)
    answer["Retry-After"] = "1"
    return answer


@transaction.atomic
def unlock(attempt: AccessAttempt, *, by: User, reason: str, now: datetime) -> None:
    """Forget the wrong attempts of that name from that address, so that it may try at once.

    Raises ReasonMissingError.
    """
    audit.record(
        by=by,
        action="unlock log-in",
        target=attempt,
        reason=reason,
        before={"username": attempt.username, "failures": attempt.failures_since_start},
        now=now,
    )
    reset(ip=attempt.ip_address, username=attempt.username)


@as_unfold_needs
def locked_out(
    request: HttpRequest, response: HttpResponse, credentials: dict[str, str] | None
) -> HttpResponse:
    """Answer what axes refuses."""
    name = (credentials or {}).get("username", "")
    seconds = _seconds_left(name, address(request), timezone.now())
    page = {**admin.site.each_context(request), "title": "Locked", "minutes": ceil(seconds / 60)}
    answer = render(request, "admin/locked_out.html", page, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def _seconds_left(name: str, address: str | None, now: datetime) -> int:
    attempts = AccessAttempt.objects.filter(username=name, ip_address=address)
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or now
    left: timedelta = last + get_cool_off() - now
    return max(1, ceil(left.total_seconds()))
