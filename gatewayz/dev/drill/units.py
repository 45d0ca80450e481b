"""Reads what an operator copies: the units of systemd, the settings of nginx and PgBouncer."""

import re
import shlex
from pathlib import Path

from gatewayz.dev.checkout import ROOT

DEPLOY = ROOT / "deploy"
INSTALLED_AT = "/opt/gatewayz"
RUN_FOLDER = "/run"
SERVED_FOLDER = "/etc/gatewayz"


def unit(name: str, instance: str, checkout: Path, run: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command of an instance of a unit, and the variables that the unit sets itself."""
    text = (DEPLOY / "systemd" / f"{name}@.service").read_text()
    text = text.replace("%i", instance).replace(INSTALLED_AT, str(checkout))
    [command] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    words = [
        word
        for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
        for word in shlex.split(line)
    ]
    set_by_unit = dict(word.split("=", 1) for word in words)
    return shlex.split(command), {
        key: value.replace(f"{RUN_FOLDER}/", f"{run}/") for key, value in set_by_unit.items()
    }


def nginx(folder: Path, ports: dict[str, int]) -> str:
    """Return nginx.conf with the files of `deploy/` in it, on our ports."""
    upstream = (DEPLOY / "upstream.conf").read_text()
    for usual, name in ((8000, "web-1"), (8001, "web-2")):
        upstream = upstream.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{ports[name]}")
    server = (
        (DEPLOY / "nginx.conf")
        .read_text()
        .replace("listen 80;", f"listen 127.0.0.1:{ports['http']};")
        .replace("listen 443 ssl;", f"listen 127.0.0.1:{ports['https']} ssl;")
        .replace(SERVED_FOLDER, str(folder))
    )
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # The sandbox does not know our certificate; its deliveries come in by a way of their own.
    stripe = f"""
    server {{
        listen 127.0.0.1:{ports["stripe"]};
        location / {{
            proxy_pass http://gatewayz;
            proxy_set_header Host 127.0.0.1;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
        }}
    }}"""
    return f"""
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    {temporary}
    {upstream}
    {server}
    {stripe}
}}
"""


def pgbouncer(folder: Path, port: int, database_port: int) -> str:
    """Return pgbouncer.ini on our ports."""
    return (
        (DEPLOY / "pgbouncer.ini")
        .read_text()
        .replace("port=5432", f"port={database_port}")
        .replace("listen_port = 6432", f"listen_port = {port}")
        .replace("/etc/pgbouncer", str(folder))
    )


def commands(heading: str) -> str:
    """Return the commands of docs/production.md that stand below `<!-- drill: heading -->`."""
    page = (ROOT / "docs" / "production.md").read_text()
    [found] = re.findall(
        rf"<!-- drill: {re.escape(heading)} -->\n+ *```\w+\n(.*?)```", page, re.DOTALL
    )
    return str(found)
