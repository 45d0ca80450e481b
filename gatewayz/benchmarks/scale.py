"""Times reads, pages and reports with many people: `./dev bench --scale 1000000`."""

import logging
import time
from collections.abc import Callable

from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from gatewayz.benchmarks import HOST, loader
from payments.reports import daily, invariants, leaderboard

READS = (
    *("/user/balance", "/user/transactions", "/referral/code", "/referral/stats"),
    *("/referral/leaderboard", "/referral/explain", "/api/stripe/payments"),
)
PAGES = (
    "/admin/",
    "/admin/accounts/user/",
    "/admin/accounts/user/?o=2",
    "/admin/accounts/user/?q=person77",
    "/admin/accounts/user/1/change/",
    "/admin/accounts/apikey/",
    "/admin/accounts/ledgerentry/",
    "/admin/accounts/ledgerentry/?kind=purchase",
    "/admin/accounts/ledgerentry/?kind=referrer_bonus",
    "/admin/payments/payment/",
    "/admin/payments/payment/?status=paid",
    "/admin/payments/payment/?bonus_decision=qualifying",
    "/admin/payments/stripeevent/",
    "/admin/referrals/referral/",
    "/admin/referrals/leaderboardentry/",
)
ROUNDS = 3


# Nobody has collected the static files, which pages in production name by their content.
PLAIN_FILES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@override_settings(STORAGES=PLAIN_FILES)
def measure(people: int) -> None:
    """Fill the empty database with so many people, and print what takes how long."""
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    _time("load", lambda: loader.load(loader.Size.of(people)))
    loader.tidy()
    loader.add_keys(1, 1)
    _time("check_ledger", _check_ledger)
    _time("refresh the leaderboard", lambda: leaderboard.refresh(now=timezone.now()))
    _time("close all days", lambda: daily.close_days(now=timezone.now()))
    caller = APIClient(headers={"Authorization": f"Bearer {loader.key_of(1)}", "Host": HOST})
    operator = Client(headers={"Host": HOST})
    operator.force_login(User.objects.create_superuser("boss", "boss@example.com"))
    for client, paths in ((caller, READS), (operator, PAGES)):
        for path in paths:
            _time_page(client, path)


def _check_ledger() -> None:
    if found := invariants.breaches():
        raise RuntimeError(f"{len(found)} breaches, the first: {found[0]}")


def _time(name: str, call: Callable[[], object]) -> None:
    started = time.perf_counter()
    call()
    print(f"{name:55} {time.perf_counter() - started:8.1f} s", flush=True)


def _time_page(client: Client, path: str) -> None:
    took = []
    for _ in range(ROUNDS + 1):  # the first one only warms up
        started = time.perf_counter()
        status = client.get(path, secure=True).status_code
        took.append((time.perf_counter() - started) * 1000)
    print(f"{path:55} {min(took[1:]):8.1f} ms {'' if status == 200 else status}", flush=True)
