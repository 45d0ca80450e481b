"""Who may import whom: the domain strictly downward, no interface another's, one door to Stripe."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from django.conf import settings

# From the top down: an app's domain knows its own and those after it.
DOMAIN_ORDER = ("payments", "referrals", "accounts")
# The folders of gatewayz that the apps stand on; no app imports any other.
BASE = {"adminbase", "api", "http", "cli", "postgresql"}
INTERFACE_ROOMS = {
    "admin",
    "apps",
    "authentication",
    "checks",
    "file_export",
    "forms",
    "gauges",
    "management",
    "operator_login",
    "pages",
    "reason_field",
    "schema",
    "serializers",
    "tasks",
    "throttling",
    "person_views",
    "urls",
    "views",
    "webhook",
}
# What the interfaces of all apps share: who is calling, why an operator does something, files, and
# how the admin shows the answer to "why?".
OPEN_INTERFACES = (
    "accounts.authentication",
    "accounts.file_export",
    "accounts.reason_field",
    "payments.explanations.admin_rendering",
)
DOORS_TO_STRIPE = {"payments/stripe_gateway.py"}
# What the program is measured beside; no part of it.
BENCHMARKS, PEERS = "gatewayz/benchmarks/", "gatewayz/benchmarks/peers/"
COMPOSES_THE_SANDBOX = {
    "gatewayz/settings.py",
    # The demo's people pay at the sandbox.
    "payments/demo/history.py",
    "payments/demo/stripe.py",
}
ROOT = Path(settings.BASE_DIR)
PROGRAM = sorted(
    path.relative_to(ROOT)
    for package in ("gatewayz", *DOMAIN_ORDER)
    for path in (ROOT / package).rglob("*.py")
    if "tests" not in path.relative_to(ROOT).parts
)


def wrong_imports(path: PurePath, source: str) -> list[str]:
    """Return what the module at `path` imports and may not, each as `module: reason`."""
    return [
        f"{module}: {reason}"
        for module in _imported(path, ast.parse(source))
        if (reason := _reason_against(path, module))
    ]


def _imported(path: PurePath, tree: ast.Module) -> Iterator[str]:
    """Give each imported name with its whole dotted path, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = path.parts[: len(path.parts) - node.level] if node.level else ()
            start = ".".join((*origin, *filter(None, [node.module])))
            yield from (f"{start}.{alias.name}" for alias in node.names)


def _reason_against(path: PurePath, module: str) -> str | None:
    """Return the first rule that the import breaks."""
    package, room = (*module.split("."), "")[:2]
    home, file = path.parts[0], path.as_posix()
    is_app, is_sandbox = package in DOMAIN_ORDER, module.startswith("payments.sandbox")
    is_interface = room in INTERFACE_ROOMS or "admin_rendering" in module.split(".")
    is_above_apps = package == "gatewayz" and room not in BASE
    is_peer, is_benchmark = file.startswith(PEERS), file.startswith(BENCHMARKS)
    may_import_stripe = file in DOORS_TO_STRIPE or is_peer
    wrong = {
        "only the gateway speaks with Stripe": package == "stripe" and not may_import_stripe,
        "only a peer runs on dj-stripe": package == "djstripe" and not is_peer,
        "only benchmarks import benchmarks": module.startswith("gatewayz.benchmarks")
        and not is_benchmark,
        "the program knows nothing of the sandbox": is_sandbox and file not in COMPOSES_THE_SANDBOX,
    }
    if "sandbox" in path.parts:
        is_program = (is_app or package == "gatewayz") and not is_sandbox
        wrong = {"the sandbox knows nothing of the program": is_program}
    elif home == "gatewayz" and path.parts[1] in BASE:
        wrong |= {
            "what the apps stand on imports no app": is_app,
            "what the apps stand on imports nothing that stands on the apps": is_above_apps,
        }
    elif home != "gatewayz" and _is_interface(path):
        is_closed = is_interface and not module.startswith(OPEN_INTERFACES)
        wrong |= {
            "an interface calls the domain of an app, never another app's interface": is_app
            and is_closed
            and package != home,
            "no app imports what puts the apps together": is_above_apps,
        }
    elif home != "gatewayz":
        above = DOMAIN_ORDER[: DOMAIN_ORDER.index(home)]
        wrong |= {
            "the domain knows nothing of the web": package in ("gatewayz", "rest_framework"),
            "the domain knows no interface": is_app and is_interface,
            "imports go down: payments, referrals, accounts": package in above,
        }
    return next((reason for reason, is_broken in wrong.items() if is_broken), None)


def _is_interface(path: PurePath) -> bool:
    return path.parts[1].removesuffix(".py") in INTERFACE_ROOMS or path.stem == "admin_rendering"


def test_each_module_imports_only_what_its_place_allows() -> None:
    found = {path: wrong_imports(path, (ROOT / path).read_text()) for path in PROGRAM}

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("accounts/ledger.py", "from referrals import codes", "imports go down"),
        ("referrals/bonuses.py", "import payments.settlement", "imports go down"),
        (
            "accounts/migrations/0009_x.py",
            "from referrals.models import Program",
            "imports go down",
        ),
        ("referrals/codes.py", "from gatewayz.api import json_api", "nothing of the web"),
        ("payments/inbox.py", "from rest_framework import status", "nothing of the web"),
        ("payments/inbox.py", "from payments.webhook import log", "knows no interface"),
        ("payments/inbox.py", "from . import webhook", "knows no interface"),
        (
            "payments/explanations/answers.py",
            "from payments.explanations.admin_rendering import x",
            "knows no interface",
        ),
        ("referrals/codes.py", "from accounts.authentication import x", "knows no interface"),
        ("accounts/views.py", "from referrals.serializers import x", "another app's interface"),
        ("accounts/admin.py", "from referrals import admin", "another app's interface"),
        ("accounts/management/commands/x.py", "import referrals.views", "another app's interface"),
        ("payments/admin.py", "from gatewayz.dev import story", "what puts the apps together"),
        ("payments/admin.py", "from gatewayz.operators import jobs", "what puts the apps together"),
        ("accounts/views.py", "from gatewayz.site import home", "what puts the apps together"),
        ("gatewayz/adminbase/x.py", "from accounts.models import User", "imports no app"),
        ("gatewayz/http/metrics.py", "import payments.reports.totals", "imports no app"),
        ("gatewayz/cli/x.py", "from gatewayz.operators import jobs", "stands on the apps"),
        ("gatewayz/benchmarks/comparison.py", "import stripe", "only the gateway"),
        ("payments/webhook.py", "from djstripe import models", "only a peer"),
        ("gatewayz/site/home.py", "from gatewayz.benchmarks import peers", "only benchmarks"),
        ("gatewayz/api/errors.py", "from gatewayz.site import home", "stands on the apps"),
        ("payments/settlement.py", "import stripe", "only the gateway"),
        ("gatewayz/http/health.py", "from stripe import StripeClient", "only the gateway"),
        ("payments/checkout.py", "from payments.sandbox import models", "nothing of the sandbox"),
        ("gatewayz/urls.py", "import payments.sandbox.urls", "nothing of the sandbox"),
        ("payments/sandbox/events.py", "from payments import models", "nothing of the program"),
        ("payments/sandbox/api.py", "from ..models import Payment", "nothing of the program"),
        ("payments/sandbox/server.py", "import gatewayz.wsgi", "nothing of the program"),
        ("accounts/ledger.py", "def f():\n    import referrals.codes", "imports go down"),
    ],
)
def test_it_catches_a_wrong_import(path: str, source: str, reason: str) -> None:
    [wrong] = wrong_imports(PurePath(path), source)

    assert reason in wrong
