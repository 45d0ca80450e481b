"""All parts of a production on the loopback, put together from what `deploy/` has."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import requests

from gatewayz.dev import embedded_postgres
from gatewayz.dev.checkout import ROOT, Refusal
from gatewayz.dev.checks import production_environment
from gatewayz.dev.drill import units
from gatewayz.dev.drill.postgresql import (
    ADMINISTRATOR,
    APPLICATION,
    OWNER,
    PASSWORD,
    Cluster,
    Server,
    run_sql,
)
from gatewayz.dev.drill.programs import Programs
from gatewayz.dev.drill.supervisor import Service, Supervisor
from gatewayz.dev.waiting import wait_until, why_not_ready
from gatewayz.dev.web_server import free_ports, granian

WEB, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2")
READY_SECONDS = 60
NGINX_FAIL_SECONDS = 3
MAX_LAG_SECONDS = 2
_PORTS = ("web-1", "web-2", "http", "https", "stripe", "pgbouncer", "sandbox", "pg-1", "pg-2")


class Production:
    """What runs, and what an operator can do with it."""

    def __init__(self, programs: Programs, folder: Path, supervisor: Supervisor) -> None:
        self.programs, self.folder, self.supervisor = programs, folder, supervisor
        self.checkout = ROOT
        self.ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        databases = folder / "databases"
        ports = (self.ports["pg-1"], self.ports["pg-2"])
        self.cluster = Cluster(programs.postgresql, databases, ports, supervisor)
        self.settings = production_environment("") | {
            "ALLOWED_HOSTS": "127.0.0.1",
            "FRONTEND_URL": self.address,
            "TRUSTED_PROXIES": "127.0.0.1",
            "STRIPE_API_BASE": f"http://127.0.0.1:{self.ports['sandbox']}",
            "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(20)}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(20)}",
            "EMAIL_URL": f"file:{folder / 'mail'}",
            "METRICS_TOKEN": secrets.token_hex(20),
            "DATABASE_REPLICA_MAX_LAG_SECONDS": str(MAX_LAG_SECONDS),
            **{f"RATE_LIMIT_{name}": "off" for name in ("REGISTER", "VALIDATE", "API")},
        }

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.ports['https']}"

    @property
    def certificate(self) -> Path:
        return self.folder / "tls" / "certificate.pem"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Set everything up, and serve until the end of the block."""
        with ExitStack() as stack:
            self._make_certificate()
            stripe = stack.enter_context(
                embedded_postgres.running(self.folder / "stripe", durable=False)
            )
            stripe.create_database("stripe")
            self.stripe_database = stripe.url("stripe")
            self.start_sandbox(migrate=True)
            stack.enter_context(self.cluster.created())
            self._make_database()
            self.start_pooler()
            for name in (*WEB, *WORKERS):
                self.start(name)
            self._start_nginx()
            self.wait_until_ready()
            yield

    def _make_database(self) -> None:
        administrator = self.cluster.primary.url(ADMINISTRATOR, "postgres")
        roles = units.commands("roles").replace("…", PASSWORD)
        run_sql(self.programs.postgresql, administrator, roles)
        self.command("prepare")
        self.collect_static_files()

    def collect_static_files(self) -> None:
        """Do what `deploy/build` does after the installation."""
        self.shell(".venv/bin/python manage.py collectstatic --noinput --verbosity=0")

    def command(self, heading: str, **more: str) -> str:
        """Run commands of docs/production.md in the checkout, and return what they print."""
        return self.shell(units.commands(heading), **more)

    def shell(self, script: str, **more: str) -> str:
        """Run a script with the settings of the worker. Raises Refusal with what it said."""
        environment = self.environment(pooled=False) | {
            "OWNER_URL": self.cluster.primary.url(OWNER),
            "ADMINISTRATOR_URL": self.cluster.primary.url(ADMINISTRATOR),
            "PATH": f"{self.programs.postgresql}:{os.environ.get('PATH', os.defpath)}",
        }
        return _run(script, self.checkout, environment | more)

    def environment(self, *, pooled: bool) -> dict[str, str]:
        """Return the settings of an instance; workers reach PostgreSQL itself."""
        database = self.cluster.primary
        if pooled and self.programs.pgbouncer:
            database = Server("pgbouncer", self.ports["pgbouncer"], Path())
        return self.settings | {
            "PATH": os.environ.get("PATH", os.defpath),
            "DATABASE_URL": database.url(APPLICATION),
            "DATABASE_REPLICA_URL": self.cluster.replica.url(APPLICATION),
            "STATIC_ROOT": str(self.folder / f"static-{self.checkout.name}"),
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, name: str, *wrapper: str) -> None:
        """Start a web instance or a worker of the current version and settings."""
        kind, number = name.split("-")
        instance = str(self.ports[name]) if kind == "web" else number
        command, variables = units.unit(f"gatewayz-{kind}", instance, self.checkout, self.folder)
        environment = self.environment(pooled=kind == "web") | variables
        self._serve(name, [*wrapper, *command], environment, self.checkout)

    def _serve(
        self, name: str, command: Sequence[str | Path], environment: dict[str, str], folder: Path
    ) -> None:
        log = self.folder / f"{name}.log"
        self.supervisor.start(Service(name, command, log, {"env": environment, "cwd": folder}))

    def restart_one_by_one(self) -> None:
        """Start every instance anew, each only when the one before it serves again."""
        for name in WEB:
            self.start(name)
            self.wait_for_instance(name)
            # Until nginx tries it again; else both would be out of use at once.
            time.sleep(NGINX_FAIL_SECONDS)
        for name in WORKERS:
            self.start(name)

    def metric(self, name: str) -> float | None:
        """Return what the first web instance says at /metrics; None without such a line."""
        answer = requests.get(
            f"http://127.0.0.1:{self.ports[WEB[0]]}/metrics",
            headers={"Authorization": f"Bearer {self.settings['METRICS_TOKEN']}"},
            timeout=READY_SECONDS,
        )
        found = re.search(rf"^{name} (\S+)$", answer.text, re.MULTILINE)
        return float(found[1]) if found else None

    def wait_for_instance(self, name: str) -> None:
        self._wait_for(f"http://127.0.0.1:{self.ports[name]}/healthz")

    def wait_until_ready(self) -> None:
        self.cluster.wait(self.cluster.primary)
        for name in WEB:
            self.wait_for_instance(name)
        self._wait_for(f"{self.address}/readyz")

    def _wait_for(self, url: str) -> None:
        certificate = str(self.certificate)
        wait_until(partial(why_not_ready, url, certificate=certificate), READY_SECONDS)

    def start_pooler(self) -> None:
        """Start PgBouncer in front of the primary, or tell the running one of another primary."""
        if not self.programs.pgbouncer:
            return
        folder = self.folder / "pgbouncer"
        folder.mkdir(exist_ok=True)
        settings = units.pgbouncer(folder, self.ports["pgbouncer"], self.cluster.primary.port)
        (folder / "pgbouncer.ini").write_text(settings)
        (folder / "userlist.txt").write_text(f'"{APPLICATION}" "{PASSWORD}"\n')
        if running := self.supervisor.services.get("pgbouncer"):
            running.send(signal.SIGHUP)
            return
        command: list[str | Path] = [self.programs.pgbouncer, "--quiet", folder / "pgbouncer.ini"]
        log, options = self.folder / "pgbouncer.log", self.cluster.account.process_options
        self.supervisor.start(Service("pgbouncer", command, log, options))

    def start_sandbox(self, *, migrate: bool = False) -> None:
        """Start Stripe's place, on a database that no part of ours can reach."""
        environment = self.settings | {
            "PATH": os.environ.get("PATH", os.defpath),
            "DEBUG": "true",
            "DATABASE_URL": self.stripe_database,
            # The sandbox is mounted only where no key of Stripe is set.
            "STRIPE_SECRET_KEY": "",
            "STRIPE_SANDBOX_WEBHOOK_URL": (
                f"http://127.0.0.1:{self.ports['stripe']}/api/stripe/webhook"
            ),
        }
        # What signs is the newest secret; the program may know an older one beside it.
        newest = self.settings["STRIPE_WEBHOOK_SECRET"].split(",")[-1]
        environment["STRIPE_WEBHOOK_SECRET"] = newest
        if migrate:
            _run(".venv/bin/python manage.py migrate --verbosity=0", ROOT, environment)
        module = "payments.sandbox.wsgi:application"
        server = granian(module, port=self.ports["sandbox"], workers=1, threads=16)
        self._serve("sandbox", [sys.executable, "-m", *server], environment, ROOT)
        self._wait_for(f"http://127.0.0.1:{self.ports['sandbox']}/")

    def _start_nginx(self) -> None:
        conf = self.folder / "nginx.conf"
        conf.write_text(units.nginx(self.folder, self.ports))
        command: list[str | Path] = [self.programs.nginx, "-p", self.folder, "-c", conf]
        self._serve("nginx", command, {"PATH": os.defpath}, self.folder)

    def _make_certificate(self) -> None:
        tls = self.certificate.parent
        tls.mkdir()
        subprocess.run(
            [
                *(self.programs.openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
                *("-days", "2", "-subj", "/CN=127.0.0.1"),
                *("-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", tls / "key.pem", "-out", self.certificate),
            ],
            capture_output=True,
            check=True,
        )


def _run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a script of the shell, and return what it prints. Raises Refusal with what it said."""
    done = subprocess.run(
        ["/bin/sh", "-euc", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal(f"this failed:\n{script}\n{done.stdout}{done.stderr}")
    return done.stdout
