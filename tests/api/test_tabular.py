"""CSV that opens as text: no cell is a formula, and what is harmless stays as it is."""

import ast
import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tabular import rows_as_csv

ROOT = Path(__file__).parents[2]
TRIGGERS = ("=", "+", "-", "@", "\t", "\r")
CELLS = st.one_of(
    st.text(),
    st.builds(str.__add__, st.sampled_from([*TRIGGERS, " ", "\n", "\0", "'", '"', ",", "＝"]), st.text()),
)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://a.test","x")',
        " =1", "\n=1", "\u00a0=1", "＝1", "\0=1", "-", "+66 89 999 9999", "=", "@",
    ],
)  # fmt: skip
def test_what_may_be_a_formula_is_text(cell: str) -> None:
    ((_,), (written,)) = read(rows_as_csv(["name"], [[cell]]))
    assert written == "'" + cell.replace("\0", "")


@pytest.mark.parametrize(
    "cell", ["สมศรี", "9-1000", "a=b", "'=1", "", " a", '"x"', "a,b", "two\r\nlines", "๑"]
)
def test_what_is_harmless_stays_as_it_is(cell: str) -> None:
    assert read(rows_as_csv(["name"], [[cell]])) == [["name"], [cell] if cell else [""]]


def test_numbers_and_dates_are_written_from_themselves() -> None:
    row = [-1, Decimal("-1500.00"), -0.5, date(2026, 11, 21), True, None]
    assert read(rows_as_csv(list("abcdef"), [row]))[1] == [
        "-1", "-1500.00", "-0.5", "2026-11-21", "True", "",
    ]  # fmt: skip


def test_a_header_is_guarded_too_and_a_row_has_its_width() -> None:
    assert read(rows_as_csv(["=1"], [])) == [["'=1"]]
    with pytest.raises(ValueError, match="2 cells under 1"):
        rows_as_csv(["a"], [["b", "c"]])


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=5))
def test_no_cell_begins_as_a_formula_and_every_cell_comes_back(rows: list[list[str]]) -> None:
    read_again = read(rows_as_csv(["a", "b", "c"], rows))[1:]
    assert len(read_again) == len(rows)
    for given_row, written in zip(rows, read_again, strict=True):
        for cell, shown in zip(given_row, written, strict=True):
            assert not shown.lstrip().startswith((*TRIGGERS, "＝", "＋", "－", "＠"))
            assert not shown.startswith(TRIGGERS)
            assert shown.removeprefix("'" if shown != cell.replace("\0", "") else "") == cell.replace(
                "\0", ""
            )


def writes_csv(source: str) -> bool:
    """Whether a module writes CSV with the standard library, by whatever name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("writer", "DictWriter", "to_csv"):
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "csv":
            return any(one.name in ("writer", "DictWriter") for one in node.names)
    return False


def test_nothing_else_writes_csv() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("api", "auth", "domain", "persistence")
        for path in (ROOT / package).rglob("*.py")
        if writes_csv(path.read_text("utf-8"))
    ]
    # What the demo writes are files for imports: read by programs, and made of its own words.
    assert found == ["domain/tabular.py"]


@pytest.mark.parametrize("line", ["import csv\ncsv.writer(out)", "import csv as c\nc.DictWriter(out)", "from csv import writer"])  # fmt: skip
def test_another_writer_would_be_found(line: str) -> None:
    assert writes_csv(line)
    assert not writes_csv("import csv\ncsv.reader(file)\ncsv.DictReader(file)")
