"""Tests each mutant of a module: cosmic-ray makes them, pytest has to notice them.

A mutant is the module with one small change. To start Python, Django and pytest takes longer than
the tests do; so this process imports what does not depend on our code, and each run is its fork.
"""

import difflib
import importlib
import importlib.util
import os
import re
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Keyword

# The modules of the money, and the tests that have to notice what is changed in them.
TESTS = {
    "accounts/ledger.py": {
        "accounts": "ledger ledger_guards at_once",
        "gatewayz": "statement_pages",
    },
    "accounts/money.py": {"accounts": "money"},
    "accounts/mailboxes.py": {"accounts": "mailboxes"},
    "accounts/adjustment_rules.py": {
        "accounts": "adjustments adjustment_limits adjustment_reversals adjustments_of_staff"
        " withdrawals"
    },
    "accounts/adjustments.py": {
        "accounts": "adjustments adjustment_limits adjustment_reversals adjustments_of_staff"
        " adjustments_at_once withdrawals"
    },
    "referrals/codes.py": {"referrals": "codes attribution"},
    "referrals/attribution.py": {
        "referrals": "attribution claims codes bonuses permissions_in_the_domain",
        "payments": "claims_at_once answers emails at_once",
    },
    "referrals/eligibility.py": {"referrals": "eligibility bonuses budget review"},
    "referrals/bonuses.py": {
        "referrals": "bonuses budget review offers reinstated eligibility",
        "payments": "clawbacks answers timeline every_order",
    },
    "referrals/conditions.py": {
        "referrals": "offers claims friends",
        "payments": "settlement answers",
    },
    "referrals/review.py": {
        "referrals": "review bonuses budget review_at_once reinstated permissions_in_the_domain",
        "payments": "related",
    },
    "payments/settlement.py": {
        "payments": "settlement lost_answers two_clocks clawbacks inbox",
        "referrals": "bonuses offers",
    },
    "payments/purchases.py": {
        "payments": "settlement lost_answers two_clocks claims_at_once",
        "referrals": "offers claims",
    },
    "payments/event_store.py": {"payments": "inbox webhook retries two_clocks crash"},
    "payments/clawbacks.py": {"payments": "clawbacks at_once", "referrals": "reinstated"},
    "payments/inbox.py": {
        "payments": "inbox webhook retries settlement admin_replay commands other_programs crash"
        " at_once",
        "referrals": "permissions_in_the_domain",
    },
    "payments/checkout.py": {"payments": "checkout lost_answers"},
    "payments/outcomes.py": {"payments": "settlement clawbacks"},
    "payments/event_payments.py": {"payments": "other_programs lost_answers inbox admin_inbox"},
    "payments/reconciliation.py": {
        "payments": "reconciliation lost_answers two_clocks other_programs"
    },
}

# A mutable dataclass, a result that is computed again, the log, and a stronger lock than is needed
# change no money.
HARMLESS = re.compile(r"^(@dataclass\(|@cache|log\.)|no_key=False")
ACCEPTED = Path("docs/guarantees.md")
# A loop without end uses the processor up; that the machine is busy must not look like one.
CPU_SECONDS = 60
PRELOADED = (
    "django.db.models",
    "django.test",
    "factory",
    "hypothesis.stateful",
    "playwright.sync_api",
    "procrastinate",
    "psycopg",
    "requests",
    "rest_framework",
    "segno",
    "stripe",
    "structlog",
)
# `--ff`: the test that noticed the mutant before often notices this one too.
PYTEST = [
    *("-x", "--ff", "-q", "--no-header", "--tb=no", "--reuse-db"),
    *("-p", "pytest_django.plugin", "-p", "time_machine"),
]
COMPARISONS = (
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "Lt_LtE", "Lt_GtE"),
    *("LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
)
CALCULATIONS = ("Add_Sub", "Sub_Add", "Mul_FloorDiv", "FloorDiv_Mul", "Div_Mul", "BitAnd_BitOr")
OPERATORS = [
    *(f"ReplaceComparisonOperator_{change}" for change in COMPARISONS),
    *(f"ReplaceBinaryOperator_{change}" for change in CALCULATIONS),
    *("ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub"),
    *("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "NumberReplacer"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop"),
    *("ExceptionReplacer", "RemoveDecorator"),
]


def named_tests(path: str) -> list[str]:
    """Return the files of the module's tests, as paths."""
    return [
        f"{app}/tests/test_{name}.py"
        for app, names in TESTS[path].items()
        for name in names.split()
    ]


class RemoveStatement(Operator):
    """Leave out a call or a `raise` that is a statement: cosmic-ray has nothing for these."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt":
            statement = node.children[0]
            is_call = statement.type == "atom_expr" and statement.get_code().endswith(")")
            if is_call or statement.type == "raise_stmt":
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        gone = node.children[0]
        node.children[0] = Keyword("pass", gone.start_pos, gone.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class Mutant(NamedTuple):
    """A changed module, and the lines that it differs in."""

    code: str
    before: str
    after: str


def mutants_of(source: str) -> Iterator[Mutant]:
    """Make every mutant that the operators know, once."""
    known, seen, tree = OperatorProvider(), {source}, get_ast(source)
    for operator in [RemoveStatement(), *(known[name]() for name in OPERATORS)]:
        places = sum(1 for node in ast_nodes(tree) for _ in operator.mutation_positions(node))
        for place in range(places):
            code = MutationVisitor.mutate_code(source, operator, place)
            mutant = Mutant(code, *_difference(source, code))
            is_new = code not in seen
            seen.add(code)
            if is_new and _is_python(code) and not HARMLESS.search(" → ".join(mutant[1:])):
                yield mutant


def _is_python(code: str) -> bool:
    """Return whether it compiles: the `*` in a signature is no product."""
    try:
        compile(code, "", "exec")
    except SyntaxError:
        return False
    return True


def _difference(source: str, code: str) -> tuple[str, str]:
    """Return what the changed lines were, and what they are, without their indentation."""
    lines = list(difflib.ndiff(source.splitlines(), code.splitlines()))
    before, after = (
        [line[2:].strip() for line in lines if line.startswith(f"{sign} ")] for sign in "-+"
    )
    return " ".join(filter(None, before)), " ".join(filter(None, after))


@contextmanager
def written(path: Path, code: str) -> Iterator[None]:
    """Let the module be `code` for the block."""
    source = path.read_text()
    path.write_text(code)
    # Compiled code is told to be old by its time in seconds, and these pass more quickly.
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
    try:
        yield
    finally:
        path.write_text(source)


def passes(tests: Sequence[str], *options: str, is_quiet: bool = True) -> bool:
    """Run the tests in a fork, and return whether they pass."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        _run_and_exit([*PYTEST, *options, *tests], is_quiet=is_quiet)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _run_and_exit(arguments: list[str], *, is_quiet: bool) -> None:
    code = 1
    try:
        if is_quiet:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
        code = int(pytest.main(arguments))
    finally:
        sys.stdout.flush()
        os._exit(code)


def examine(path: str, accepted: str) -> int:
    """Test the module's mutants, and return how many need somebody; print these and the accepted.

    A mutant that is accepted and that a test notices needs somebody as well: it is not equivalent
    any more, or the tests fail now and then, so that others are caught by chance.
    """
    module, tests = Path(path), named_tests(path)
    survivors, count, unexpected = 0, 0, 0
    for mutant in mutants_of(module.read_text()):
        count += 1
        is_accepted = f"`{path}`: `{mutant.before}` → `{mutant.after}`" in accepted
        with written(module, mutant.code):
            survives = passes(tests)
        survivors += survives
        unexpected += survives != is_accepted
        if survives or is_accepted:
            what = "accepted" if survives and is_accepted else "SURVIVED" if survives else "CAUGHT"
            print(f"{what} {path}\n  - {mutant.before}\n  + {mutant.after}", flush=True)
    caught = count - survivors
    print(f"mutants: {path} {count}, caught {caught}, unexpected {unexpected}", flush=True)
    return unexpected


def main(paths: list[str]) -> int:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in PRELOADED:
        importlib.import_module(name)
    paths = paths or list(TESTS)
    unknown = sorted(set(paths) - TESTS.keys())
    if unknown:
        print(f"./dev mutate: no tests are named for {', '.join(unknown)}", file=sys.stderr)
        return 2
    tests = sorted({test for path in paths for test in named_tests(path)})
    # The second time in the database as it is then, as for each mutant.
    if not passes(tests, "--create-db", is_quiet=False) or not passes(tests[:1]):
        print("./dev mutate: the tests fail before anything is changed", file=sys.stderr)
        return 1
    # The page breaks its lines where it likes.
    accepted = " ".join(ACCEPTED.read_text().split())
    unexpected = sum(examine(path, accepted) for path in paths)
    # A test that was killed may have left rows behind, by which all others would fail.
    if not passes(tests):
        print("./dev mutate: the tests fail now without any change", file=sys.stderr)
        return 1
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
