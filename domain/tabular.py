"""Rows as CSV (RFC 4180) that a spreadsheet does not take for formulas; the one place that writes CSV.

A cell that begins with = + - @, a tab or a carriage return is run by spreadsheets as a formula when the file is opened,
and what stands in it may be anybody's text. It is written with an apostrophe before it, which they show as text
(OWASP, CSV Injection). A column of numbers that may be negative is written from numbers, which stay as they are.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

Cell = str | int | float | Decimal | date | bool | None
_TRIGGERS = ("=", "+", "-", "@", "\t", "\r")
# The full-width twins are taken for the same by some, and what a spreadsheet trims may stand before them all.
_ALSO = ("＝", "＋", "－", "＠")


def rows_as_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The header and the rows as text with CRLF line ends. Raises ValueError for a row of another width."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_harmless(name) for name in header])
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row has {len(row)} cells under {len(header)} names")
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue()


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    # A line feed and blanks are trimmed before a cell is looked at; NUL ends it for some readers.
    text = cell.replace("\0", "")
    if text.startswith(_TRIGGERS) or text.lstrip().startswith(_TRIGGERS + _ALSO):
        return f"'{text}"
    return text
