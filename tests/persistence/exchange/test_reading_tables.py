"""Delimited files of any table, delimiter and encoding come out as they went in; damaged ones are named."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.rows import CleanRow, UnreadableFile
from persistence.exchange.reading import chunks, encodings, inspect
from persistence.exchange.reading.delimited import LONGEST, Delimited
from persistence.exchange.reading.encodings import Texts

TODAY = date(2026, 11, 21)
HEADER = "record_id,citizen_id,area_code,first_name,last_name"
ROW = "R1,1234567890121,420101,สมศรี,ใจดี"
CP874 = "".join(bytes([one]).decode("cp874", "ignore") for one in range(0x20, 0x100))
CELLS = {
    "utf-8": st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=20),
    "cp874": st.text(st.sampled_from(CP874 + '\n",;\t'), max_size=20),
}


class Trickle(io.RawIOBase):
    """Gives a few bytes at a time, as a sealed file at the ends of its chunks."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data, self._sizes, self._turn = io.BytesIO(data), sizes, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._turn += 1
        return self._data.readinto(memoryview(buffer)[: self._sizes[self._turn % len(self._sizes)]])


def raw(text: str | bytes) -> io.RawIOBase:
    return Trickle(text.encode() if isinstance(text, str) else text, [1 << 20])


def read(text: str | bytes, *, kind: ImportKind = ImportKind.THAIQM, **more: int) -> list[CleanRow]:
    found = chunks(raw(text), kind=kind, format=ImportFormat.CSV, today=TODAY, **more)  # type: ignore[arg-type]
    return [row for rows in found for row in rows]


def table_of(draw: st.DrawFn, encoding: str) -> list[list[str]]:
    width = draw(st.integers(1, 6))
    cell = CELLS["cp874" if encoding == "cp874" else "utf-8"]
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=12))
    return [["หัว"] + ["คอลัมน์"] * (width - 1), *rows]


@st.composite
def written(draw: st.DrawFn) -> tuple[list[list[str]], bytes]:
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp874"]))
    table = table_of(draw, encoding)
    out = io.StringIO()
    end, delimiter = draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from(",;\t|"))
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(table)
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    return table, (mark + out.getvalue()).encode(encoding)


@settings(max_examples=300, deadline=None)
@given(written(), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_any_table_in_any_encoding_is_read_as_it_was_written(
    given: tuple[list[list[str]], bytes], sizes: list[int]
) -> None:
    table, data = given
    records = list(Delimited(Texts(Trickle(data, sizes))))
    assert [record.cells for record in records] == [row if row != [""] else [""] for row in table]
    assert all(record.whole and record.ended for record in records)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp874"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_files_of_all_makes(encoding: str, end: str, delimiter: str) -> None:
    text = end.join([HEADER, ROW, "", ROW.replace("R1", "R2")]).replace(",", delimiter) + end
    rows = read(text.encode(encoding))
    assert [(row.number, row.record_id, row.faults) for row in rows] == [(2, "R1", ()), (4, "R2", ())]
    assert rows[0].person is not None
    assert rows[0].person.first_name == "สมศรี"
    found = inspect(raw(text.encode(encoding)), kind=ImportKind.THAIQM, format=ImportFormat.CSV)
    assert (found.rows, found.delimiter, found.mapping) == (2, delimiter, None)
    assert found.encoding == {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)


def test_thai_that_begins_after_much_ascii_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "BLOCK", 64)
    ascii_rows = "".join(f"R{number},,420101,Somsri,\n" for number in range(100))
    for encoding in ("utf-8", "cp874"):
        rows = read((HEADER + "\n" + ascii_rows + ROW + "\n").encode(encoding))
        assert rows[-1].raw["first_name"] == "สมศรี"
        assert len(rows) == 101


@pytest.mark.parametrize("data", ["café,naïve,señor,Ü,é".encode("latin-1"), "ก,ข".encode() + b"\xff\xfe\x81"])
def test_what_is_no_thai_is_not_taken_for_it(data: bytes) -> None:
    with pytest.raises(UnreadableFile) as raised:
        list(Texts(raw(data)))
    assert raised.value.code == "wrong-encoding"


def test_an_encoding_that_changes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "BLOCK", 64)
    with pytest.raises(UnreadableFile) as raised:
        list(Texts(raw(("สมศรี" * 20).encode() + ("ใจดี" * 50).encode("cp874"))))
    assert raised.value.code == "wrong-encoding"


def test_quoted_line_breaks_stay_in_their_cell_and_count_as_one_row() -> None:
    text = f'{HEADER}\nR1,1234567890121,420101,"สม\nศรี",ใจดี\r\n{ROW.replace("R1", "R2")}\n'
    rows = read(text)
    assert [(row.number, row.record_id, row.faults) for row in rows] == [(2, "R1", ()), (3, "R2", ())]


def test_a_spreadsheets_own_line_names_the_delimiter() -> None:
    assert len(read(f"sep=;\n{HEADER.replace(',', ';')}\n{ROW.replace(',', ';')}\n")) == 1


def test_blank_rows_before_the_header_and_commas_behind_the_rows_do_not_matter() -> None:
    rows = read(f"\n\n{HEADER},,\n{ROW},,\n,,,,,,\n")
    assert [(row.number, row.faults) for row in rows] == [(4, ())]


def test_bad_rows_are_named_and_the_others_are_read() -> None:
    rows = read(f'{HEADER}\nR1,short\nR2,1234567890121,420101,"สม"ศรี,ก\n{ROW},more\n{ROW},\n{ROW}\n')
    assert [(row.number, [fault.code for fault in row.faults]) for row in rows] == [
        (2, ["ragged-row"]), (3, ["malformed-row"]), (4, ["ragged-row"]), (5, []), (6, []),
    ]  # fmt: skip
    assert rows[2].raw["#6"] == "more"


def test_nul_is_a_fault_of_its_cell() -> None:
    (row,) = read(f"{HEADER}\n{ROW}\x00\n")
    assert [(fault.column, fault.code) for fault in row.faults] == [("last_name", "control-character")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "empty-file"),
        ("\n\n\n", "empty-file"),
        (f"{HEADER}\n", "empty-file"),
        (f"{HEADER}\n{ROW}\n\n,,,,\n", None),
        (f"{HEADER}\n{ROW}\nR2,12345", "truncated-file"),
        (f'{HEADER}\n{ROW}\nR2,1234567890121,420101,"สมศ', "truncated-file"),
        (f"{HEADER}\n{ROW}\n".encode()[:-3], "truncated-file"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16")[:-1], "truncated-file"),
        ("first_name,last_name\nก,ข\n", "missing-column"),
        (f"{HEADER},shoe_size\n{ROW},42\n", "unknown-column"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "wrong-encoding"),
        (b"PK\x03\x04" + bytes(range(256)) * 10, "wrong-encoding"),
        (f"{HEADER}\n{'x' * (LONGEST + 10)}\n", "line-too-long"),
        (f'{HEADER}\n{ROW}\nR2,"{"ก" * 100}\n' + f"{ROW}\n" * 60_000, "line-too-long"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_before_anything_is_applied(
    data: str | bytes, code: str | None
) -> None:
    def look() -> None:
        inspect(raw(data), kind=ImportKind.THAIQM, format=ImportFormat.CSV)

    if code is None:
        look()
        return
    with pytest.raises(UnreadableFile) as raised:
        look()
    assert raised.value.code == code


def test_reading_goes_on_after_any_row() -> None:
    text = HEADER + "\n" + "".join(f"{ROW.replace('R1', f'R{number}')}\n\n" for number in range(1, 31))
    whole = read(text)
    assert len(whole) == 30
    for start in (0, 1, 2, 17, 60, 61, 100):
        assert read(text, start=start) == [row for row in whole if row.number > start]


def test_lists_have_the_size_that_was_asked_for_and_less_where_rows_are_long() -> None:
    def sizes(text: str, size: int) -> list[int]:
        found: Iterator[list[CleanRow]] = chunks(
            raw(text), kind=ImportKind.THAIQM, format=ImportFormat.CSV, today=TODAY, size=size
        )
        return [len(rows) for rows in found]

    assert sizes(f"{HEADER}\n" + f"{ROW}\n" * 25, 10) == [10, 10, 5]
    assert max(sizes(f"{HEADER}\n" + f"{ROW}{'x' * 500_000}\n" * 40, 5000)) < 40


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=300) | st.text(max_size=200).map(str.encode),
    st.sampled_from(list(ImportKind)),
    st.sampled_from(list(ImportFormat)),
    st.booleans(),
)
def test_whatever_the_bytes_are_nothing_else_is_raised(
    data: bytes, kind: ImportKind, format: ImportFormat, behind_a_header: bool
) -> None:
    if behind_a_header:
        data = (HEADER + "\n").encode() + data
    try:
        for rows in chunks(raw(data), kind=kind, format=format, today=TODAY):
            for row in rows:
                assert row.number > 0
                assert sum(map(len, row.raw)) >= 0
    except UnreadableFile as error:
        assert error.code.replace("-", "").isalpha()  # noqa: PT017
