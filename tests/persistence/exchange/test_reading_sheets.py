"""Spreadsheets: read as a library reads them, row by row, and no bomb goes off."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.exchange.reading.rows import CleanRow, UnreadableFile
from persistence.exchange.reading import chunks, inspect, package, sheets, workbook

HEADER = ["record_id", "citizen_id", "area_code", "first_name", "birth_date"]
ROW = ["R1", 1234567890121, 420101, "สมศรี", date(1966, 1, 31)]


def book(rows: list[list[Any]], formats: Mapping[str, str] = {}) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, code in formats.items():
        sheet[place].number_format = code
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(data: bytes, **more: Any) -> list[CleanRow]:
    found = chunks(
        io.BytesIO(data), kind=ImportKind.THAIQM, format=ImportFormat.XLSX, today=date(2026, 11, 21), **more
    )  # type: ignore[arg-type]
    return [row for rows in found for row in rows]


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableFile) as raised:
        inspect(io.BytesIO(data), kind=ImportKind.THAIQM, format=ImportFormat.XLSX)  # type: ignore[arg-type]
    return raised.value.code


def changed(data: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """The spreadsheet with other parts; None leaves one out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in [*old.namelist(), *(name for name in parts if name not in old.namelist())]:
            content = parts.get(name, old.read(name) if name in old.namelist() else None)
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def sheet_of(rows: str) -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return (
        f'<?xml version="1.0"?><worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    )


def in_sheet(rows: str) -> bytes:
    return changed(book([HEADER, ROW]), {"xl/worksheets/sheet1.xml": sheet_of(rows)})


def test_cells_of_all_types() -> None:
    (row,) = read(book([HEADER, ROW]))
    assert (row.faults, row.number, row.citizen_id) == ((), 2, "1234567890121")
    assert row.person is not None
    assert row.household is not None
    assert (row.person.birth_date, row.household.area_code) == (date(1966, 1, 31), "420101")
    assert row.raw["birth_date"] == "1966-01-31"


def test_a_date_typed_with_a_buddhist_year_is_that_date() -> None:
    typed = [*ROW[:4], date(2509, 1, 31)]
    written = [*ROW[:4], "29 ก.พ. 2567"]
    rows = read(book([HEADER, typed, written]))
    assert [row.person and row.person.birth_date for row in rows] == [date(1966, 1, 31), date(2024, 2, 29)]


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**14), 10**14), st.dates(date(1900, 3, 1), date(2500, 1, 1)),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="_\ufffe\uffff"), max_size=12),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: round(number, 3)),
)  # fmt: skip


def as_text(cell: Any) -> str:
    """What a library's cell is to us."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{cell:.15g}"
    return cell.isoformat()[:10] if isinstance(cell, date) else str(cell)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=8))
def test_a_sheet_is_read_as_another_library_reads_it(rows: list[list[Any]]) -> None:
    # No blank edges, which the other library cuts off, and no texts that look like formulas.
    table = [
        ["x"] * 7,
        *(["x", *(f"'{one}" if isinstance(one, str) else one for one in row)] for row in rows),
    ]
    data = book(table)
    ours = [record.cells + [""] * (7 - len(record.cells)) for record in sheets.records(io.BytesIO(data))]  # type: ignore[arg-type]
    theirs = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert ours == [[as_text(cell) for cell in row] for row in theirs]


@pytest.mark.parametrize(
    ("number", "shown", "text"),
    [
        ("42011234567", None, "42011234567"),
        ("1.234567890121E12", None, "1234567890121"),
        ("1234567890121.0", None, "1234567890121"),
        ("12345678901234567", None, "1.23457E+16"),
        ("0.1", None, "0.1"),
        ("0.30000000000000004", None, "0.3"),
        ("4201", 8, "00004201"),
        ("24138", workbook.Shown.DATE, "1966-01-31"),
        ("24138.75", workbook.Shown.DATE, "1966-01-31"),
        ("59", workbook.Shown.DATE, "1900-02-28"),
        ("61", workbook.Shown.DATE, "1900-03-01"),
        ("0.5", workbook.Shown.DATE, "0.5"),
        ("99999999", workbook.Shown.DATE, "99999999"),
    ],
)
def test_numbers_as_their_cells_show_them(number: str, shown: workbook.Format | None, text: str) -> None:
    assert sheets.number_text(number, shown) == text


def test_dates_counted_from_1904() -> None:
    assert sheets.number_text("22676", workbook.Shown.DATE, since_1904=True) == "1966-01-31"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("00000000000", 11),
        ('0"-"0000"-"00000', 10),
        ("0", workbook.Shown.NUMBER),
        ("#,##0.00", workbook.Shown.NUMBER),
        ('0 "day"', workbook.Shown.NUMBER),
        ("[Red]0.0", workbook.Shown.NUMBER),
        ("[$-41E]d mmmm yyyy", workbook.Shown.DATE),
        ("dd/mm/bbbb", workbook.Shown.DATE),
        ("[h]:mm", workbook.Shown.NUMBER),
    ],
)
def test_formats_of_numbers(code: str, shown: workbook.Format) -> None:
    assert workbook._format(164, {164: code}) == shown


def test_zeros_that_only_the_format_shows_are_kept() -> None:
    rows = [[*HEADER, "phone"], [*ROW, 812345678]]
    (row,) = read(book(rows, {"F2": "0000000000"}))
    assert row.person is not None
    assert row.person.phone == "0812345678"


def test_a_formula_without_a_value_is_a_fault_and_one_with_a_value_is_not() -> None:
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in (*HEADER[:4], "village_name"))
    values = [
        '<c t="inlineStr"><is><t>R</t></is></c>', "<c><f>A1</f><v>1234567890121</v></c>",
        "<c><f>A1</f><v></v></c>", "<c><f>A1</f></c>", '<c t="str"><f>A1</f><v></v></c>',
    ]  # fmt: skip
    (row,) = read(in_sheet(f"<row>{cells}</row><row>{''.join(values)}</row>"))
    assert {(fault.column, fault.code) for fault in row.faults} == {
        ("area_code", "formula-without-value"), ("first_name", "formula-without-value"),
    }  # fmt: skip
    assert row.citizen_id == "1234567890121"


def test_an_error_of_a_formula_is_a_fault() -> None:
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADER[:4])
    values = '<c><v>1</v></c><c t="e"><f>X</f><v>#REF!</v></c><c><v>420101</v></c><c t="inlineStr"><is><t>ก</t></is></c>'
    (row,) = read(in_sheet(f"<row>{cells}</row><row>{values}</row>"))
    assert [(fault.column, fault.code) for fault in row.faults] == [("citizen_id", "spreadsheet-error")]


def test_rows_are_numbered_as_the_spreadsheet_shows_them_and_blank_ones_are_left_out() -> None:
    rows = read(book([HEADER, ROW, [None] * 5, [" "], ROW]))
    assert [row.number for row in rows] == [2, 5]
    assert [row.number for row in read(book([HEADER, ROW, [], ROW]), start=2)] == [4]


def test_the_first_visible_sheet_is_read() -> None:
    made = openpyxl.Workbook()
    hidden = made.active
    assert hidden is not None
    hidden.sheet_state = "hidden"
    hidden.append(["nothing"])
    shown = made.create_sheet("ข้อมูล")
    shown.append(HEADER)
    shown.append(ROW)
    out = io.BytesIO()
    made.save(out)
    assert len(read(out.getvalue())) == 1


def test_a_cell_in_the_last_corner_costs_nothing() -> None:
    cells = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADER[:4])
    far = '<row r="1048576"><c r="A1048576"><v>1</v></c><c r="XFD1048576" s="0"/></row>'
    (row,) = read(in_sheet(f"<row>{cells}</row>{far}"))
    assert row.number == 1_048_576
    assert refusal(in_sheet(f'<row>{cells}</row><row><c r="XFD2"><v>1</v></c></row>')) == "too-many-columns"


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"/><row r="1"/>',
        '<row r="1048577"/>',
        '<row r="x"/>',
        '<row><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
        '<row><c r="1"><v>1</v></c></row>',
        '<row><c r="é1"><v>1</v></c></row>',
        '<row><c t="s"><v>99999</v></c></row>',
        '<row><c t="s"><v>-1</v></c></row>',
        "<row>",
        "<row>&bang;</row>",
    ],
)
def test_a_sheet_that_contradicts_itself_is_refused(rows: str) -> None:
    assert refusal(in_sheet(rows)) == "not-a-spreadsheet"


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
    assert refusal(changed(book([HEADER, ROW]), {"xl/worksheets/sheet1.xml": bomb})) == "not-a-spreadsheet"


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = changed(book([HEADER, ROW]), {"xl/media/bomb.bin": bytes(30 << 20)})
    assert len(bomb) < 100_000
    assert refusal(bomb) == "zip-bomb"
    monkeypatch.setattr(package, "MOST_UNPACKED", 3000)
    assert refusal(book([HEADER, ROW])) == "zip-bomb"


def test_an_archive_that_lies_about_a_size_is_found_out() -> None:
    """The directory says 100 bytes, and the checksum of the first 100: a reader that believes it is shown those alone."""
    whole = b"<worksheet>" + bytes(30 << 20)
    honest = changed(book([HEADER, ROW]), {"xl/worksheets/sheet1.xml": whole})
    with zipfile.ZipFile(io.BytesIO(honest)) as opened:
        part = opened.getinfo("xl/worksheets/sheet1.xml")
    size, checksum = part.file_size.to_bytes(4, "little"), part.CRC.to_bytes(4, "little")
    lie = zlib.crc32(whole[:100]).to_bytes(4, "little")
    assert honest.count(checksum) == 2
    told = honest.replace(size, (100).to_bytes(4, "little")).replace(checksum, lie)
    assert refusal(told) in ("zip-bomb", "not-a-spreadsheet")


@pytest.mark.parametrize("cut", [10, 100, 1000, -30])
def test_half_a_file_is_named(cut: int) -> None:
    assert refusal(book([HEADER, ROW])[:cut]) == "truncated-file"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty-file"),
        (b"a,b\n1,2\n", "not-a-spreadsheet"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "not-a-spreadsheet"),
        (changed(book([HEADER, ROW]), {"xl/workbook.xml": None}), "not-a-spreadsheet"),
        (changed(book([HEADER, ROW]), {"xl/worksheets/sheet1.xml": None}), "not-a-spreadsheet"),
        (changed(book([HEADER, ROW]), {"XL/Workbook.xml": b"<x/>"}), "not-a-spreadsheet"),
        (book([]), "empty-file"),
        (book([HEADER]), "empty-file"),
        (book([["first_name"], ["ก"]]), "missing-column"),
    ],
)
def test_what_is_no_spreadsheet_of_ours_is_named(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_file_that_is_too_large_is_sent_as_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MOST_PACKED", 1000)
    assert refusal(book([HEADER, ROW])) == "spreadsheet-too-large"
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "_MOST_TEXT", 10)
    assert refusal(shared()) == "spreadsheet-too-large"


def shared(name: str = "<t>สมศรี</t>") -> bytes:
    """A spreadsheet as Excel writes it: its texts in a table beside the sheet."""
    texts = [*(f"<t>{one}</t>" for one in HEADER[:4]), name]
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    table = f'<x:sst xmlns:x="{main}">{"".join(f"<si>{one}</si>" for one in texts)}</x:sst>'
    table = (
        table.replace("<si>", "<x:si>")
        .replace("</si>", "</x:si>")
        .replace("<t", "<x:t")
        .replace("</t", "</x:t")
    )
    table = (
        table.replace("<r>", "<x:r>")
        .replace("</r>", "</x:r>")
        .replace("<rPh>", "<x:rPh>")
        .replace("</rPh>", "</x:rPh>")
    )
    header = "".join(f'<c r="{"ABCD"[at]}1" t="s"><v>{at}</v></c>' for at in range(4))
    row = '<c r="B2"><v>1234567890121</v></c><c r="C2"><v>420101</v></c><c r="D2" t="s"><v>4</v></c>'
    sheet = sheet_of(f'<row r="1">{header}</row><row r="2">{row}</row>')
    parts = {"xl/sharedStrings.xml": table.encode(), "xl/worksheets/sheet1.xml": sheet}
    return changed(book([HEADER, ROW]), parts)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<t>สมศรี</t>", "สมศรี"),
        ("<r><t>สม</t></r><r><t>ศรี</t></r>", "สมศรี"),
        ("<t>สมศรี</t><rPh><t>ส</t></rPh>", "สมศรี"),
        ("<t>สม_x000D_ศรี</t>", "สม\nศรี"),
    ],
)
def test_texts_that_cells_share(text: str, name: str) -> None:
    (row,) = read(shared(text))
    assert row.faults == ()
    assert row.person is not None
    assert row.person.first_name == name
    assert row.record_id is None


def test_a_text_longer_than_a_cell_may_be_is_refused() -> None:
    assert refusal(shared(f"<t>{'ก' * 32_768}</t>")) == "line-too-long"


WHOLE = book([HEADER, ROW])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_spreadsheet_raises_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 5))):
        # Its length is not the same every second: the parts carry the time.
        whole[data.draw(st.integers(0, 10_000)) % len(whole)] = data.draw(st.integers(0, 255))
    try:
        read(bytes(whole))
    except UnreadableFile as error:
        assert error.detail  # noqa: PT017
