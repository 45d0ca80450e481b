"""The log-in to the admin: its form, and the limit on wrong attempts by django-axes.

Ten wrong attempts for one name from one address, each within an hour of the last, lock out that
name from that address for an hour. Other addresses stay open, else anybody could lock an operator
out. A successful log-in clears the count.

Before that RATE_LIMIT_LOG_IN counts all attempts of an address, whatever names they use: a password
takes 0.4 s of CPU to hash. And only MOST_AT_ONCE attempts at a time get so far in a process, from
whatever addresses, so that the API keeps the other threads, and the processor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil
from threading import BoundedSemaphore, Lock

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.contrib import admin
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from accounts import advisory_locks, audit, second_factor
from accounts.errors import AccountError
from accounts.models import User
from gatewayz.adminbase.content_policy import as_unfold_needs
from gatewayz.http.client_address import client_address
from gatewayz.http.metrics import LOG_IN_FAILURES

user_login_failed.connect(lambda **_: LOG_IN_FAILURES.inc(), weak=False)

# What authenticated an operator's session: the form below.
_BACKEND = "django.contrib.auth.backends.ModelBackend"


def is_operator_session(request: HttpRequest) -> bool:
    """Return whether the session began with the password, and not by a person's sign-up or link."""
    return bool(request.session.get(BACKEND_SESSION_KEY) == _BACKEND)


class LogInForm(AuthenticationForm):
    """Name and password, and a code if the account has a second factor."""

    # No user name is longer. Without the limit axes would store whatever length is sent.
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
        """Check the code after the password; a wrong code counts like a wrong password."""
        super().confirm_login_allowed(user)
        if not isinstance(user, User) or not second_factor.is_on(user):
            return
        code = self.cleaned_data.get("code")
        if not code:
            raise ValidationError("This account also needs the code from your app.", "code")
        try:
            device = second_factor.verify(user=user, code=code)
        except second_factor.WrongCodeError:
            # Tell axes, which sees only wrong passwords by itself.
            credentials = {"username": user.get_username()}
            user_login_failed.send(__name__, credentials=credentials, request=self.request)
            raise ValidationError(
                "The code is not right. Each code works once; wait for the next one.", "code"
            ) from None
        user.otp_device = device  # type: ignore[attr-defined]  # django-otp marks the session by it


def address(request: HttpRequest) -> str | None:
    """Return the address to count attempts by; an IPv6 network counts as its first address."""
    return client_address(request).partition("/")[0] or None


class BusyError(AccountError):
    """MOST_AT_ONCE others are logging in; nothing of the attempt was looked at."""


# Two, so that both clicks of a double click are answered; but one of them hashes at a time.
MOST_AT_ONCE = 2
_places = BoundedSemaphore(MOST_AT_ONCE)
_hashing = Lock()


@contextmanager
def place() -> Iterator[None]:
    """Take one of the places of this process, without waiting. Raises BusyError."""
    if not _places.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        _places.release()


@contextmanager
def one_at_a_time(request: HttpRequest) -> Iterator[None]:
    """Check one attempt at a time for a name and address, across all processes."""
    # Axes reads the count before the password is checked and writes it after. Without this lock
    # attempts at once would all read the same count, and exceed the limit.
    #
    # Axes stores the user agent, and PostgreSQL refuses a NUL in a text.
    request.META["HTTP_USER_AGENT"] = request.META.get("HTTP_USER_AGENT", "").replace("\0", "")
    # Normalized as the form does it, so that another spelling of a name takes the same lock.
    name = UsernameField().to_python(request.POST.get("username", ""))
    with transaction.atomic():
        # A wait ends with the database's lock timeout, since it occupies a thread.
        advisory_locks.lock(f"log-in {address(request)} {name}".replace("\0", ""))
        # After the lock of the name, which another process may hold for longer.
        with _hashing:
            yield


@transaction.atomic
def unlock(attempt: AccessAttempt, *, by: User, reason: str, now: datetime) -> None:
    """Clear the wrong attempts for that name and address. Raises ReasonMissingError."""
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
    """Answer an attempt that axes refuses, with the time until the lock ends."""
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
