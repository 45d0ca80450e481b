"""The mutants of a module differ from it in what it decides and does."""

from pathlib import Path

import pytest
from django.conf import settings

from gatewayz.dev import mutants
from gatewayz.dev.mutants import TESTS, mutants_of, named_tests, written

SOURCE = """
def pay(amount):
    if amount < 1:
        raise ValueError(amount)
    post(amount)
    return amount
"""


def test_each_condition_call_and_refusal_is_changed_once() -> None:
    changes = {(mutant.before, mutant.after) for mutant in mutants_of(SOURCE)}

    assert changes == {
        ("if amount < 1:", "if amount <= 1:"),
        ("if amount < 1:", "if amount >= 1:"),
        ("if amount < 1:", "if not amount < 1:"),
        ("if amount < 1:", "if amount < 2:"),
        ("if amount < 1:", "if amount < 0:"),
        ("raise ValueError(amount)", "pass"),
        ("post(amount)", "pass"),
    }


def test_a_module_is_itself_again_after_its_mutant(tmp_path: Path) -> None:
    module = tmp_path / "payment.py"
    module.write_text(SOURCE)

    with written(module, "pass"):
        assert module.read_text() == "pass"

    assert module.read_text() == SOURCE


@pytest.mark.parametrize(
    ("survives", "accepted", "outcome", "unexpected"),
    [
        (True, "", "SURVIVED", 7),
        (True, "`{}`: `post(amount)` → `pass`", "accepted", 6),
        (False, "", "caught 7", 0),
        (False, "`{}`: `post(amount)` → `pass`", "CAUGHT", 1),
    ],
)
def test_a_mutant_survives_when_it_is_accepted_and_only_then(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    survives: bool,
    accepted: str,
    outcome: str,
    unexpected: int,
) -> None:
    module = tmp_path / "payment.py"
    module.write_text(SOURCE)
    monkeypatch.setitem(TESTS, str(module), {})
    monkeypatch.setattr(mutants, "passes", lambda tests: survives)

    assert mutants.examine(str(module), accepted.format(module)) == unexpected
    assert outcome in capsys.readouterr().out


def test_the_modules_of_the_money_and_their_tests_are_there() -> None:
    named = {*TESTS, *(test for path in TESTS for test in named_tests(path))}

    assert {path for path in named if not (settings.BASE_DIR / path).is_file()} == set()
