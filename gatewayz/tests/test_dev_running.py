"""`./dev manage` finds the `./dev run` beside it, and none that has ended."""

import os
from pathlib import Path

import pytest

from gatewayz.dev import checkout


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "RUN_FILE", tmp_path / ".dev" / "run.json")
    monkeypatch.setattr(os, "environ", {})


def serve(port: str) -> None:
    os.environ.clear()
    os.environ.update(PORT=port, STRIPE_API_BASE=f"http://127.0.0.1:{port}9")


def test_while_the_first_of_two_serves_its_addresses_are_known() -> None:
    serve("9000")
    with checkout.run_announced():
        serve("7000")
        with checkout.run_announced():
            os.environ.clear()
            checkout.join_run()
        assert os.environ == {"PORT": "9000", "STRIPE_API_BASE": "http://127.0.0.1:90009"}

        serve("7000")
        checkout.join_run()
        assert os.environ["PORT"] == "7000"  # One that is set goes first.

    os.environ.clear()
    checkout.join_run()
    assert os.environ == {}
