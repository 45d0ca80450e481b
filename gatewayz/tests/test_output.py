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


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_csv_holds_no_formula(start: str) -> None:
    name = f"{start}HYPERLINK(1)"

    [row] = csv.DictReader(io.StringIO(written("csv", Row(name, Decimal(1))), newline=""))

    assert row["name"] == f"'{name}"


def test_csv_leaves_numbers_and_other_text_alone() -> None:
    assert written("csv", Row("a=b", Decimal("-1.50"))) == "name,amount\na=b,-1.50\n"


def test_csv_begins_no_row_within_a_cell() -> None:
    assert written("csv", Row("a\r=HYPERLINK(1)", None)) == "name,amount\na =HYPERLINK(1),\n"
