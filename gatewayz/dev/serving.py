"""`./dev run`: serves the program with a local Stripe beside it, and prints how to begin."""

import argparse
import os
import socket
import sys
import time
from dataclasses import dataclass
from functools import partial
from itertools import islice

import requests

from gatewayz import environment
from gatewayz.dev import development_data, story, walkthrough
from gatewayz.dev.checkout import Refusal, development_database, read_dotenv, run_announced
from gatewayz.dev.children import POLL_SECONDS, Children
from gatewayz.dev.waiting import wait_until, why_not_ready
from gatewayz.dev.web_server import granian

HIGHEST_PORT = 65535
DEMO_USERS = 1000
# After a kill -9 the servers of the run before need a moment to notice and go.
PORT_SECONDS = 3
READY_SECONDS = 60
EXIT_WITH_PARENT = [sys.executable, "-m", "gatewayz.dev.exit_with_parent"]
WORKER = [*EXIT_WITH_PARENT, "django", "worker"]
# What the server reads anew when it changes; the folder of the database is not among it.
SOURCES = ("accounts", "gatewayz", "payments", "referrals", "templates")


@dataclass(frozen=True)
class Addresses:
    """Where the program listens, and the sandbox unless Stripe itself is used."""

    host: str
    port: int
    sandbox_port: int | None

    @property
    def api(self) -> str:
        return self._url(self.port)

    @property
    def sandbox(self) -> str | None:
        return None if self.sandbox_port is None else self._url(self.sandbox_port)

    def _url(self, port: int) -> str:
        # All zeros mean every address of this machine; we ourselves then call the nearest.
        host = self.host if self.host.strip("0.:") else "127.0.0.1"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(arguments: list[str]) -> int:
    """Serve until Ctrl-C; return 1 when something ends by itself or the story ends wrongly."""
    options = _read(arguments)
    read_dotenv()
    addresses = _choose_addresses()
    if options.story and addresses.sandbox is None:
        raise Refusal("--story pays with a test card in the sandbox; unset STRIPE_SECRET_KEY.")
    try:
        _serve(addresses, options)
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
    return 0


def _read(arguments: list[str]) -> argparse.Namespace:
    """Return `story`, whether to play it, and `demo`, the users of the example data or None."""
    parser = argparse.ArgumentParser(prog="./dev run", allow_abbrev=False)
    parser.add_argument("--story", action="store_true", help="play Alice and Bob first")
    demo = f"add half a year of example data, once: N users (default: {DEMO_USERS})"
    parser.add_argument("--demo", type=int, nargs="?", const=DEMO_USERS, metavar="N", help=demo)
    return parser.parse_args(arguments)


def _serve(addresses: Addresses, options: argparse.Namespace) -> None:
    _set_environment(addresses)
    with development_database() as database:
        development_data.migrate(database)
        passwords = development_data.ensure_staff(database.url)
        if options.demo is not None:
            development_data.ensure_demo(options.demo)
        first, second = islice(development_data.free_suffixes(), 2)
        development_data.disconnect()
        with run_announced(), Children() as children:
            _start(children, addresses)
            _wait_until_ready(children, addresses)
            print(_banner(addresses, passwords, second if options.story else first), flush=True)
            if options.story:
                _tell_story(addresses, first)
            children.wait()


def _choose_addresses() -> Addresses:
    host = _ip_address(environment.text("HOST", "127.0.0.1"))
    port = environment.whole_number("PORT", default=8000, least=1, most=HIGHEST_PORT - 1)
    deadline = time.monotonic() + PORT_SECONDS
    while not _is_free(host, port):
        if time.monotonic() > deadline:
            raise Refusal(f"port {port} is in use; choose another: PORT={port + 10} ./dev run")
        time.sleep(POLL_SECONDS)
    if environment.is_set("STRIPE_SECRET_KEY"):
        return Addresses(host, port, None)
    candidates = range(port + 1, HIGHEST_PORT + 1)
    return Addresses(host, port, next(number for number in candidates if _is_free(host, number)))


def _ip_address(host: str) -> str:
    """Return the address of a name like `localhost`: the server takes no names."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as refusal:
        raise Refusal(f"cannot listen on HOST={host}: {refusal}") from None
    return str(found[0][4][0])


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server does: connections of a server that has ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refusal:
            if isinstance(refusal, PermissionError):
                raise Refusal(f"cannot listen on HOST={host} PORT={port}: {refusal}") from None
            return False
    return True


def _set_environment(addresses: Addresses) -> None:
    """Give the children the addresses."""
    os.environ["DEBUG"] = "true"
    os.environ["PORT"] = str(addresses.port)
    if addresses.sandbox is not None:
        os.environ["STRIPE_API_BASE"] = addresses.sandbox
        os.environ["STRIPE_SANDBOX_WEBHOOK_URL"] = f"{addresses.api}/api/stripe/webhook"


def _start(children: Children, addresses: Addresses) -> None:
    if addresses.sandbox_port is not None:
        # The program and the deliveries' retries call it while pages of it are open.
        sandbox = granian(
            "payments.sandbox.wsgi:application",
            host=addresses.host,
            port=addresses.sandbox_port,
            workers=1,
            threads=16,
        )
        children.start("the sandbox", [*EXIT_WITH_PARENT, *sandbox])
    children.start("the worker", WORKER)
    program = granian("gatewayz.wsgi:application", host=addresses.host, port=addresses.port)
    reload = ["--reload", *(f"--reload-paths={folder}" for folder in SOURCES)]
    children.start("the program", [*EXIT_WITH_PARENT, *program, *reload])


def _wait_until_ready(children: Children, addresses: Addresses) -> None:
    def refusal(url: str) -> str:
        children.require_alive()
        return why_not_ready(url)

    for url in filter(None, [f"{addresses.api}/readyz", addresses.sandbox]):
        wait_until(partial(refusal, url), READY_SECONDS)


def _tell_story(addresses: Addresses, suffix: str) -> None:
    try:
        story.play(addresses.api, suffix)
    except (story.WrongEnding, requests.RequestException) as wrong:
        raise Refusal(f"the story ended wrongly: {wrong}") from None
    print("As it should be. Serving on; Ctrl-C stops.", flush=True)


def _banner(addresses: Addresses, passwords: dict[str, str], suffix: str) -> str:
    operator, *members = [f"{name} / {password}" for name, password in passwords.items()]
    stripe = addresses.sandbox or "none: the real Stripe is used (STRIPE_SECRET_KEY is set)"
    lines = [
        "",
        f"  Pages      {addresses.api}/   sign up, log in, your dashboard",
        f"  API        {addresses.api}",
        f"  Docs       {addresses.api}/api/docs",
        f"  Sandbox    {stripe}",
        f"  E-mails    {addresses.sandbox + '/mail' if addresses.sandbox else '.dev/mail'}",
        "",
        "The walkthrough, to be pasted line by line into another terminal:",
    ]
    for step in walkthrough.steps(suffix):
        if step.is_form and addresses.sandbox is None:
            lines += ["", "# 5. Bob pays in the browser", 'echo "Open $PAY_URL"']
        else:
            lines += ["", *walkthrough.shell_lines(step, addresses.api)]
    lines += [
        "",
        f"  Admin      {addresses.api}/admin/   log in as {operator}",
        *(f"{'or as':>{len(addresses.api) + 32}} {member}" for member in members),
    ]
    return "\n".join([*lines, "", "Ctrl-C stops everything.", ""])
