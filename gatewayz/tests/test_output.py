"""Whatever a command found reads well, reads back, and does nothing in a spreadsheet."""

import csv
import io
import json
from dataclasses import dataclass
from decimal import Decimal

import pytest

from gatewayz.cli import output


@dataclass(frozen=True)
class Row:
    name: str
    amount: Decimal | None


def written(form: str, *rows: Row) -> str:
    out = io.StringIO()
    output.write(rows, Row, out, form)
    return out.getvalue()


def test_a_table_lines_up() -> None:
    assert written("table", Row("alice", Decimal("-1.50")), Row("bo", None)) == (
        "name   amount\nalice  -1.50\nbo     –\n"
    )


def test_json_holds_exact_numbers_and_nothing_for_nothing() -> None:
    rows = json.loads(written("json", Row("alice", Decimal("-1.50")), Row("bo", None)))

    assert rows == [{"name": "alice", "amount": -1.5}, {"name": "bo", "amount": None}]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        *((f"{start}HYPERLINK(1)", f"'{start}HYPERLINK(1)") for start in "=+-@\t"),
        ("a\r=HYPERLINK(1)", "a =HYPERLINK(1)"),  # it would begin a row within the cell
        ("a=b", "a=b"),
    ],
)
def test_csv_holds_no_formula_and_leaves_all_else_alone(name: str, cell: str) -> None:
    text = written("csv", Row(name, Decimal("-1.50")))

    assert list(csv.reader(io.StringIO(text, newline=""))) == [["name", "amount"], [cell, "-1.50"]]
