"""The limit on log-ins to the admin, by django-axes: passwords are not guessed here.

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
from django.contrib import admin
from django.contrib.auth.forms import UsernameField
from django.db import connection, transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.forms import AuthenticationForm

from gatewayz.client_address import client_address
from gatewayz.content_policy import as_unfold_needs


class LogInForm(AuthenticationForm):
    """Name and password; a name that is too long for anybody's is refused before axes keeps it."""

    username = UsernameField(max_length=150)


def address(request: HttpRequest) -> str | None:
    """Return whose attempts are counted together; of a network its first address stands for it."""
    return client_address(request).partition("/")[0] or None


@contextmanager
def one_at_a_time(request: HttpRequest) -> Iterator[None]:
    """Let this attempt wait for others of the same name and address, in any process.

    Axes looks before the password is checked and counts after: at once, more than the limit would
    slip through in between.
    """
    # As the form folds different spellings into one name.
    name = UsernameField().to_python(request.POST.get("username", ""))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"log-in {address(request)} {name}".replace("\0", "")],
        )
        yield


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
