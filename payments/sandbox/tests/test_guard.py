"""The sandbox refuses to exist where real money is."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from payments import sandbox


def test_its_app_refuses_to_start(settings: Any) -> None:
    settings.STRIPE_SANDBOX = False

    with pytest.raises(ImproperlyConfigured, match="STRIPE_SANDBOX is off"):
        apps.get_app_config("stripe_sandbox").ready()


@pytest.mark.parametrize("module", ["urls.py", "wsgi.py"])
def test_its_modules_refuse_to_load(settings: Any, module: str) -> None:
    settings.STRIPE_SANDBOX = False

    with pytest.raises(ImproperlyConfigured, match="DEBUG"):
        runpy.run_path(str(Path(sandbox.__file__).with_name(module)))
