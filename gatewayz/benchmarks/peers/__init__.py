"""The ways to do the same that are measured in one run, the program among them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatewayz.benchmarks.processes import PEER, SERVERS
from gatewayz.dev.checkout import ROOT
from gatewayz.dev.virtual_environment import CannotInstall, install_aside

OURS, TUNED, FIRST_WAY, DJ_STRIPE = "Gatewayz", "tuned FastAPI", "first way", "dj-stripe"
# With Django's default, a new connection to PostgreSQL for each request.
DJ_STRIPE_DEFAULT = "dj-stripe, default"
EVERYONE = (OURS, TUNED, FIRST_WAY, DJ_STRIPE, DJ_STRIPE_DEFAULT)
_PROJECT = "gatewayz.benchmarks.peers.djstripe_project"


@dataclass(frozen=True)
class Way:
    """A program that is measured, and how it is served.

    `events` is the table that gets a row for each settlement. A way that is `slow` is measured with
    fewer operations.
    """

    name: str
    command: list[str]
    events: str
    environment: Mapping[str, str] = field(default_factory=dict)
    slow: int = 1


def ways(server: str, stripe: str) -> list[Way]:
    """Return all ways; ours and dj-stripe are served by `server`. `stripe` is Stripe's address."""
    first_way = [part.replace("tuned", "first_way") for part in PEER]
    found = [
        Way(OURS, SERVERS[server], "stripe_events", {"STRIPE_API_BASE": stripe}),
        Way(TUNED, PEER, "peer.events", {"PEER_STRIPE": stripe}),
        Way(FIRST_WAY, first_way, "first_way.events", slow=4),
    ]
    try:
        return found + _dj_stripe(SERVERS[server], stripe)
    except CannotInstall as refusal:
        print(f"dj-stripe is left out: {refusal}", file=sys.stderr)
        return found


def _dj_stripe(server: list[str], stripe: str) -> list[Way]:
    """Install dj-stripe, make its tables, and return the two ways to run it."""
    packages = install_aside(Path(__file__).parent / "djstripe_project" / "requirements.txt")
    environment = {
        "DJANGO_SETTINGS_MODULE": f"{_PROJECT}.settings",
        "PYTHONPATH": str(packages),
        "PEER_STRIPE": stripe,
        "PEER_CONNECTION_SECONDS": "600",
    }
    prepare = [sys.executable, "-m", f"{_PROJECT}.prepare"]
    subprocess.run(prepare, check=True, cwd=ROOT, env=os.environ | environment)
    command = [part.replace("gatewayz.wsgi", f"{_PROJECT}.wsgi") for part in server]
    events = "djstripe.djstripe_event"
    default = environment | {"PEER_CONNECTION_SECONDS": "0"}
    return [
        Way(DJ_STRIPE, command, events, environment, slow=10),
        Way(DJ_STRIPE_DEFAULT, command, events, default, slow=10),
    ]
