"""What operators copy from `deploy/` fits the program."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from accounts import report_database
from gatewayz.dev.web_server import granian
from payments.report_models import LedgerCheck

DEPLOY = Path(django_settings.BASE_DIR) / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("file", [RULES, DASHBOARD])
def test_only_metrics_that_exist_are_read(
    client: Client, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    settings.METRICS_TOKEN = "a-token-for-prometheus"
    monkeypatch.setattr(report_database, "is_configured", lambda: True)
    monkeypatch.setattr(report_database, "state", lambda: report_database.State(0.5))
    LedgerCheck.objects.create(checked_at=timezone.now(), breaches=0)
    answer = client.get("/metrics", headers={"Authorization": "Bearer a-token-for-prometheus"})
    shown = set(re.findall(r"^# TYPE (\w+)", answer.content.decode(), re.MULTILINE))

    read = set(re.findall(r"gatewayz_\w+", file.read_text()))

    assert {re.sub(r"_bucket$", "", name) for name in read} <= shown


def test_prometheus_understands_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool (Debian's package prometheus)")

    done = run([promtool, "check", "rules", str(RULES)])

    assert done.returncode == 0, done.stdout + done.stderr


def test_production_is_served_with_the_options_of_development() -> None:
    served = (DEPLOY / "serve").read_text().split("exec ", 1)[1].replace("\\\n", " ")
    options = set(re.findall(r"--[a-z-]+", served))

    assert options == {o for o in granian("x", port=1) if o.startswith("--")}


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/compose/pgbouncer.Dockerfile"])
def test_hadolint_has_nothing_against_the_images(file: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    done = run([str(hadolint), str(DEPLOY.parent / file)])

    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_understands_its_file(tmp_path: Path) -> None:
    ways = (["docker", "compose"], ["docker-compose"])
    found = [way for way in ways if shutil.which(way[0]) and run([*way, "version"]).returncode == 0]
    if not found:
        pytest.skip("there is neither `docker compose` nor docker-compose (Debian's package)")
    shutil.copy(DEPLOY.parent / "compose.yaml", tmp_path)
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    examples = (DEPLOY.parent / ".env.example", DEPLOY / "compose" / "env.example")
    (tmp_path / ".env").write_text("\n".join(example.read_text() for example in examples))

    done = run([*found[0], "--file", str(tmp_path / "compose.yaml"), "config", "--quiet"])

    assert done.returncode == 0, done.stdout + done.stderr
