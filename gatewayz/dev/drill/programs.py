"""Finds the programs that the drill needs, and names those that are missing."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gatewayz.dev.checkout import ROOT, Refusal

POSTGRESQL = ("postgres", "initdb", "pg_ctl", "pg_basebackup", "pg_dump", "pg_restore", "psql")
OLDEST_POSTGRESQL = 15
FIRST_PGBOUNCER_WITH_PREPARED_STATEMENTS = 21
NEXT_MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("accounts", "{latest}")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE users ADD COLUMN next_version text",
            "ALTER TABLE users DROP COLUMN next_version",
        )
    ]
"""
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@dataclass(frozen=True)
class Programs:
    """Where they are; without PgBouncer or faketime the drill runs shorter and says so."""

    postgresql: Path
    nginx: str
    openssl: str
    pgbouncer: str | None
    faketime: str | None
    small_disk: bool  # only root may mount one

    def missing(self) -> list[str]:
        """Return what could not be had, with the Debian package that has it."""
        found = {
            "pgbouncer, version 1.21 or newer (Debian 13)": self.pgbouncer,
            "faketime": self.faketime,
            "a small disk, which root could mount": self.small_disk,
        }
        return [name for name, is_there in found.items() if not is_there]


def find() -> Programs:
    """Return the programs. Raises Refusal, which names the packages to install."""
    postgresql, nginx, openssl = _postgresql(), _which("nginx"), _which("openssl")
    absent = {"postgresql": postgresql, "nginx": nginx, "openssl": openssl}
    packages = [package for package, path in absent.items() if not path]
    if not (postgresql and nginx and openssl):
        raise Refusal(f"the drill needs programs: apt-get install {' '.join(packages)}")
    return Programs(
        postgresql,
        nginx,
        openssl,
        pgbouncer=find_pgbouncer(),
        faketime=_which("faketime"),
        small_disk=os.geteuid() == 0,
    )


def _which(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


def _postgresql() -> Path | None:
    """Return the folder of the newest PostgreSQL that has every program; PG_BINDIR goes first."""
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    folders = [folder for folder in newest_first if int(folder.parent.name) >= OLDEST_POSTGRESQL]
    if chosen := os.environ.get("PG_BINDIR"):
        folders = [Path(chosen)]
    complete = (f for f in folders if all((f / program).exists() for program in POSTGRESQL))
    return next(complete, None)


def find_pgbouncer() -> str | None:
    """Return PgBouncer, or the program that PGBOUNCER names, if it keeps prepared statements."""
    program = os.environ.get("PGBOUNCER") or _which("pgbouncer")
    if not program:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"PgBouncer 1\.(\d+)", said.stdout)
    is_new = version and int(version[1]) >= FIRST_PGBOUNCER_WITH_PREPARED_STATEMENTS
    return program if is_new else None


def next_version(folder: Path) -> Path:
    """Put a copy of the program, with one migration more, into the folder."""
    is_ours = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "staticfiles")
    shutil.copytree(ROOT, folder, ignore=is_ours)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    migrations = folder / "accounts" / "migrations"
    latest = max(migrations.glob("0*.py")).stem
    migration = NEXT_MIGRATION.format(latest=latest)
    (migrations / f"{int(latest[:4]) + 1:04}_next_version.py").write_text(migration)
    return folder
