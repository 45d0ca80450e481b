"""The types of the example front end are those of the API."""

import json
from pathlib import Path

import pytest

from gatewayz.api.schema import OnceGenerator
from gatewayz.tests import frontend

pytestmark = pytest.mark.slow


def test_the_typescript_types_are_current(tmp_path: Path) -> None:
    document = json.dumps(OnceGenerator().get_schema(), default=str)
    (tmp_path / "schema.json").write_text(document)

    frontend.run("openapi-typescript", "schema.json", "-o", "schema.d.ts", folder=tmp_path)

    kept = (frontend.SOURCE / "schema.d.ts").read_text()
    assert (tmp_path / "schema.d.ts").read_text() == kept, "npm run generate, in docs/frontend"
