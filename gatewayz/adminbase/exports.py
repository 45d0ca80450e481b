"""Files of rows: CSV of any length as a stream, XLSX up to a bound; no text becomes a formula."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO
from itertools import chain, islice
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from gatewayz.cli.output import csv_lines, safe_for_spreadsheets

FORMATS = [("csv", "CSV, for programs, of any length"), ("xlsx", "XLSX, for Excel and the like")]
# A workbook is made in memory, and takes some seconds.
MOST_XLSX_ROWS = 50_000
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Row = Sequence[Any]


class TooManyRowsError(Exception):
    """There are more rows than an XLSX file takes."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {MOST_XLSX_ROWS:,} rows; choose CSV, or set filters that leave fewer"
        )


def file_of(name: str, form: str, columns: Row, rows: Iterable[Row]) -> HttpResponseBase:
    """Return the rows as a file to download. Raises TooManyRowsError."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    if form == "xlsx":
        return HttpResponse(_workbook(columns, rows), content_type=_XLSX, headers=headers)
    lines = csv_lines(chain([columns], (map(_cell, row) for row in rows)))
    kind = "text/csv; charset=utf-8"
    return StreamingHttpResponse(lines, content_type=kind, headers=headers)


def _workbook(columns: Row, rows: Iterable[Row]) -> bytes:
    found = list(islice(rows, MOST_XLSX_ROWS + 1))
    if len(found) > MOST_XLSX_ROWS:
        raise TooManyRowsError
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(columns))
    for row in found:
        sheet.append([_printable(safe_for_spreadsheets(_cell(value))) for value in row])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(value: Any) -> Any:
    """Return numbers as they are, so that a spreadsheet can add them up; times in UTC."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _printable(value: Any) -> Any:
    return ILLEGAL_CHARACTERS_RE.sub(" ", value) if isinstance(value, str) else value
