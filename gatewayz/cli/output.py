"""Writes the rows of a command as a table, as CSV or as JSON."""

import csv
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from gatewayz.api.json_api import exact_number

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# A spreadsheet runs text that begins like this as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t")

Rows = Sequence[Sequence[Any]]


def positive(text: str) -> int:
    """Return a whole number above zero. Raises ArgumentTypeError."""
    if not text.isdecimal() or len(text) > 6 or not 0 < int(text) <= 100_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100000")
    return int(text)


def counted(number: int, thing: str, things: str = "") -> str:
    """Return a number with its noun: `1 event`, `2 events`."""
    return f"{number:,} " + (thing if number == 1 else things or f"{thing}s")


def days(text: str) -> int:
    """Return a number of days up to ten years. Raises ArgumentTypeError."""
    if (number := positive(text)) > 3660:
        raise ArgumentTypeError(f"{text} days are more than ten years")
    return number


def add_format(parser: ArgumentParser) -> None:
    """Add the option `--format`."""
    parser.add_argument("--format", choices=tuple(_WRITERS), default="table")


def write(found: Iterable["DataclassInstance"], kind: type, out: Any, form: str) -> None:
    """Write instances of the dataclass `kind`, one a row, in the given `form`."""
    columns = tuple(field.name for field in fields(kind))
    _WRITERS[form](out, columns, [astuple(row) for row in found])


def safe_for_spreadsheets(value: Any) -> Any:
    """Return the cell; text that a spreadsheet would run as a formula gets a leading quote."""
    if not isinstance(value, str):
        return value
    # A carriage return starts a new row, and so a new cell.
    line = value.replace("\r", " ")
    return f"'{line}" if line.startswith(_FORMULA_STARTS) else line


def _write_table(out: TextIO, columns: Sequence[str], rows: Rows) -> None:
    table = [columns, *([_shown(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.write("  ".join(cells).rstrip() + "\n")


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)


def csv_lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield a line for each row."""
    line = StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for row in rows:
        writer.writerow([safe_for_spreadsheets(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _write_csv(out: TextIO, columns: Sequence[str], rows: Rows) -> None:
    out.writelines(csv_lines([columns, *rows]))


def _write_json(out: TextIO, columns: Sequence[str], rows: Rows) -> None:
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    text = orjson.dumps(records, default=exact_number, option=orjson.OPT_INDENT_2)
    out.write(text.decode() + "\n")


_WRITERS: dict[str, Callable[[TextIO, Sequence[str], Rows], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
}
