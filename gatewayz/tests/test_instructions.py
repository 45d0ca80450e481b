"""`./dev bench --check` counts what a server would run, and says which operation has moved."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from gatewayz.benchmarks import HOST, SECRET, instructions, loader, scenarios
from gatewayz.benchmarks.calls import call
from gatewayz.benchmarks.instructions import compare
from gatewayz.dev.checkout import Refusal
from referrals.models import Referral


def counts(**operations: int) -> dict[str, Any]:
    return {"made_by": "Python 3.11.7, valgrind-3.19.0", "instructions": operations}


@pytest.mark.django_db(transaction=True)
def test_the_calls_are_the_operations(settings: Any, owner: None) -> None:
    settings.STRIPE_WEBHOOK_SECRETS, settings.ALLOWED_HOSTS = [SECRET], [HOST]
    loader.load(loader.Size(people=40, purchases_each=1, referrers=2))
    loader.add_keys(1, 2)
    application = WSGIHandler()

    def answers(name: str) -> list[str]:
        [scenario] = [s for s in scenarios.scenarios(2, writes=0, reads_each=0) if s.name == name]
        return [call(application, request) for request in scenario.requests(2)]

    assert answers("settle") == answers("balance") == answers("validate") == ["200 OK"] * 2
    assert answers("sign-up with a code") == ["201 Created"] * 2
    assert Referral.objects.count() == 2 * loader.FRIENDS + 2


def test_a_small_move_is_shown_and_let_pass_and_another_python_is_named() -> None:
    found = counts(settle=1049, code=480) | {"made_by": "Python 3.14.0"}

    [made_by, *lines], is_near = compare(counts(settle=1000, code=500), found)

    assert is_near
    assert "Python 3.14.0" in made_by
    assert [line.split() for line in lines] == [
        ["settle", "1,049", "+4.9%"],
        ["code", "480", "-4.0%"],
    ]


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (counts(settle=1051, code=500), "settle"),
        (counts(settle=949, code=500), "settle"),
        (counts(settle=1000), "code"),
        (counts(settle=1000, code=500, stats=1), "stats"),
    ],
)
def test_a_large_move_is_named_and_refused(found: dict[str, Any], named: str) -> None:
    lines, is_near = compare(counts(settle=1000, code=500), found)

    assert not is_near
    assert f"removed: {named};" in lines[-1]


def test_the_kept_counts_are_of_every_operation_that_a_peer_has_too() -> None:
    kept = json.loads(instructions.KEPT.read_text())["instructions"]

    assert list(kept) == [scenario.name for scenario in instructions.counted_scenarios()]


def test_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Refusal, match="apt-get install valgrind"):
        instructions.check(tmp_path)
