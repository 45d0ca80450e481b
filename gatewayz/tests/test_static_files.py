"""A server without its static files does not start, and an error page does not depend on them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client, override_settings

from gatewayz.dev.checkout import ROOT
from gatewayz.dev.checks import production_environment
from gatewayz.http.static_files import require_collected

BACKEND = "whitenoise.storage.CompressedManifestStaticFilesStorage"


@pytest.fixture
def production(settings: Any, tmp_path: Path) -> Any:
    """Use the static files as in production; none are collected."""
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": BACKEND}}
    return settings


@pytest.mark.slow
def test_without_static_files_the_server_ends_with_a_sentence(tmp_path: Path) -> None:
    environment = production_environment("postgres://nobody@127.0.0.1:1/nothing")

    outcome = subprocess.run(
        [sys.executable, "-c", "import gatewayz.wsgi"],
        cwd=ROOT,
        env=environment | {"STATIC_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 1
    assert outcome.stderr == (
        f"gatewayz: {tmp_path} lacks static files of this version: run"
        " `python manage.py collectstatic --noinput`.\n"
    )


@pytest.mark.slow
def test_with_those_of_another_version_it_does_not_start(production: Any) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    require_collected()

    collected: Any = staticfiles_storage
    del collected.hashed_files["site/pages.css"]

    with pytest.raises(ImproperlyConfigured, match=r"run .python manage.py collectstatic"):
        require_collected()


def test_an_error_page_needs_no_static_file(production: Any, client: Client) -> None:
    with override_settings(DEBUG=False):
        missing = client.get("/nowhere")
        client.raise_request_exception = False
        home = client.get("/")

    assert (missing.status_code, home.status_code) == (404, 500)
    assert b'href="/static/site/pages.css"' in missing.content
    assert b"Internal Server Error" in home.content
