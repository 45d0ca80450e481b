"""`./dev bench`: the program beside the peer, on one PostgreSQL that waits for the disk."""

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import django
from django.core.management import call_command

from gatewayz.benchmarks import HOST, SECRET
from gatewayz.benchmarks.processes import SERVERS
from gatewayz.dev import embedded_postgres
from gatewayz.dev.checkout import Refusal
from gatewayz.dev.virtual_environment import CannotInstall


def main(arguments: list[str]) -> int:
    options = _read(arguments)
    with tempfile.TemporaryDirectory(prefix="gatewayz-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's account is not root, even where we are
        with embedded_postgres.running(Path(folder)) as postgres:
            postgres.create_database("bench")
            os.environ.update(_environment(postgres.url("bench")))
            os.environ["STATIC_ROOT"] = f"{folder}/static"
            django.setup()
            call_command("collectstatic", interactive=False, verbosity=0)
            # Needs the settings, which need the database.
            from gatewayz.benchmarks import (  # noqa: PLC0415
                comparison,
                distribution,
                growth,
                instructions,
                scale,
                traffic,
            )

            if options.distribution:
                distribution.report()
            elif options.growth:
                growth.measure()
            elif options.scale:
                scale.measure(options.scale, postgres, options.json)
            elif options.traffic:
                return traffic.measure(options.traffic, Path(folder), options.json)
            elif options.instructions:
                return instructions.keep(Path(folder))
            elif options.check:
                return instructions.check(Path(folder))
            else:
                comparison.compare(options, Path(folder))
    return 0


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", allow_abbrev=False)
    parser.add_argument("--short", action="store_true", help="fewer rounds, in about two minutes")
    parser.add_argument("--scale", type=int, metavar="PEOPLE", help="time pages and reports")
    parser.add_argument(
        "--traffic", type=float, nargs="?", const=10, metavar="MINUTES", help="send mixed traffic"
    )
    parser.add_argument("--only", default="", help="the scenarios whose name begins with this")
    parser.add_argument("--server", choices=SERVERS, default="granian")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--keep", action="store_true", help="write figures and plots into docs/")
    parser.add_argument("--instructions", action="store_true", help="count and keep instructions")
    parser.add_argument("--check", action="store_true", help="count again, and say what moved")
    parser.add_argument("--growth", action="store_true", help="weigh what each operation writes")
    parser.add_argument("--distribution", action="store_true", help="what Citus could distribute")
    return parser.parse_args(arguments)


def _environment(url: str) -> dict[str, str]:
    """Return the settings of production; the limits are off, as the peer has none."""
    limits = ("REGISTER", "VALIDATE", "API", "WRONG_KEY", "LOG_IN")
    return {
        "DEBUG": "false",
        "DATABASE_URL": url,
        "SECRET_KEY": hashlib.sha256(b"benchmark").hexdigest(),
        "ALLOWED_HOSTS": HOST,
        "STRIPE_SECRET_KEY": "sk_test_" + "benchmark" * 3,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "REFERRAL_MAX_USES": "10000",
        "TRUSTED_PROXIES": "127.0.0.1",
        # Set and empty: e-mails wait in the database, and their job writes nothing.
        "EMAIL_URL": "",
        "DJANGO_SETTINGS_MODULE": "gatewayz.settings",
        "PEER_DATABASE": url,
        "PEER_SECRET": SECRET,
        **{f"RATE_LIMIT_{limit}": "off" for limit in limits},
    }


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Refusal, CannotInstall) as refusal:
        sys.exit(f"./dev bench: {refusal}")
