"""A cell is read as a draft would read it, and in the spellings of spreadsheets besides."""

import string
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.assistance.event import Quantity
from domain.exchange.reading import cells, numbers, vocabulary
from domain.exchange.reading.cells import CellFault, choice
from domain.exchange.reading.columns import CONVERTERS, DATES, columns_of
from domain.exchange.reading.kinds import ImportKind
from domain.kernel import Code, FiscalYear, HouseCode, Line, Money, PlaceCode, Text
from domain.registry.citizen_id import check_digit
from domain.registry.free_text import holds_citizen_id, holds_number
from domain.registry.household import Address, Relationship
from domain.registry.person import CitizenIdText, Phone, Sex, WelfareCard

THAI = st.characters(min_codepoint=0x0E01, max_codepoint=0x0E5B)
TEXTS = st.text(
    st.one_of(THAI, st.sampled_from(string.printable + "\u200b\u00ad\u00a0\u0301é\x00\x85")), max_size=30
)
DIGITS = st.text(st.sampled_from("0123456789๐๑๒.- ,"), max_size=16)
IDS = st.integers(0, 999_999_999_999).map(lambda n: f"{n:012d}" + check_digit(f"{n:012d}"))
MONEY: TypeAdapter[Decimal] = TypeAdapter(Money)

# converter, what a draft holds the value to, a rule beyond the shape, texts that are interesting
COLUMNS: dict[str, tuple[Callable[[str], Any], Any, Callable[[Any], bool], st.SearchStrategy[str]]] = {
    "name": (cells.name, Line, lambda line: not holds_number(line), TEXTS | IDS | DIGITS),
    "free line": (cells.free_line, Line, lambda line: not holds_citizen_id(line), TEXTS | IDS | DIGITS),
    "free text": (cells.free_text, Text, lambda line: not holds_citizen_id(line), TEXTS | IDS),
    "record id": (cells.record_id, Line, lambda line: not holds_citizen_id(line), TEXTS | IDS | DIGITS),
    "citizen id": (numbers.citizen_id, CitizenIdText, lambda _: True, IDS | DIGITS | TEXTS),
    "house code": (numbers.house_code, HouseCode, lambda _: True, DIGITS | TEXTS),
    "area code": (numbers.area_code, PlaceCode, lambda _: True, DIGITS | st.from_regex(r"[0-9]{5,8}", fullmatch=True)),
    "money": (numbers.money, Money, lambda _: True, DIGITS | st.decimals(-5, 10**11, places=3).map(str)),
    "code": (cells.code, Code, lambda _: True, TEXTS),
    "phone": (numbers.phone, Phone, lambda _: True, DIGITS | st.from_regex(r"\+?[0-9 \-]{7,20}", fullmatch=True)),
}  # fmt: skip


def spreadsheets_own(text: str) -> bool:
    """Texts that mean something else in a spreadsheet than in a request."""
    stripped = text.strip()
    return (
        stripped in vocabulary.EMPTY
        or stripped.startswith(("'", "#"))
        or "\r" in text
        or "E+" in text.upper()
        or "฿" in text
    )


@pytest.mark.parametrize("column", sorted(COLUMNS))
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_a_draft_accepts_is_read_as_the_same_value_and_nothing_else_is_read(
    column: str, data: st.DataObject
) -> None:
    convert, shape, rule, texts = COLUMNS[column]
    adapter: TypeAdapter[Any] = TypeAdapter(shape)
    text = data.draw(texts)
    try:
        drafted = adapter.validate_python(text)
    except ValidationError:
        drafted = None
    if drafted is not None and not rule(drafted):
        drafted = None
    try:
        read = convert(text) if text else None
    except CellFault:
        read = None
    if read is not None:
        # What comes out is a value that a draft accepts, and stays as it is.
        assert adapter.validate_python(read) == read
        assert rule(read)
    if drafted is not None and not spreadsheets_own(text) and not restored_phone(column, text):
        assert read == drafted


def restored_phone(column: str, text: str) -> bool:
    """A number that lost its zero in a spreadsheet, or has blanks around it, is a phone number to a draft as it stands."""
    return column == "phone" and (text != text.strip() or bool(numbers._WITHOUT_ZERO.fullmatch(text)))


@given(st.one_of(st.integers(-10, 200).map(str), DIGITS))
def test_a_village_number_is_that_of_an_address(text: str) -> None:
    try:
        read = numbers.moo(text) if text else None
    except CellFault:
        read = None
    if read is not None:
        assert Address(moo=read).moo == read
    if text.isascii() and text.isdecimal() and len(text) < 5 and int(text) <= 99:
        assert read == int(text)


@given(st.decimals(0, 10**9, places=4).map(str) | DIGITS)
@example("999999999")
@example("1000000000")
def test_a_quantity_is_that_of_an_event(text: str) -> None:
    adapter: TypeAdapter[Decimal] = TypeAdapter(Quantity)
    try:
        read = numbers.quantity(text) if text else None
    except CellFault:
        read = None
    plain = text.isascii() and text.replace(".", "", 1).isdigit() and text[0] != "." and text[-1] != "."
    try:
        drafted = adapter.validate_python(Decimal(text)) if plain else None
    except ValidationError:
        drafted = None
    if plain:
        assert read == drafted


@given(st.one_of(st.integers(2000, 3000).map(str), DIGITS))
def test_a_fiscal_year_is_that_of_the_domain(text: str) -> None:
    try:
        read = numbers.fiscal_year(text) if text else None
    except CellFault:
        read = None
    if read is not None:
        assert TypeAdapter(FiscalYear).validate_python(read) == read
    if text.isdecimal() and text.isascii() and len(text) == 4:
        assert read == (int(text) if 2500 <= int(text) <= 2700 else None)


@given(TEXTS)
def test_no_converter_raises_anything_but_a_fault_and_none_repeats_the_cell(text: str) -> None:
    # A word of ours may stand in what we say; digits, and other letters than ours, can only be the cell's.
    foreign = any(char.isdigit() or not char.isascii() for char in text)
    for name in sorted(CONVERTERS):
        detail = detail_of(CONVERTERS[name], text)
        assert len(text.strip()) < 4 or not foreign or text.strip() not in detail


def detail_of(convert: Callable[[str], Any], text: str) -> str:
    try:
        convert(text)
    except CellFault as fault:
        return fault.detail
    return ""


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (numbers.citizen_id, "1234567890121.0", "1234567890121"),
        (numbers.citizen_id, "๑-๒๓๔๕-๖๗๘๙๐-๑๒-๑", "1234567890121"),
        (numbers.citizen_id, "'1234567890121", "1234567890121"),
        (numbers.citizen_id, " - ", None),
        (numbers.house_code, "4201-123456-7", "42011234567"),
        (numbers.house_code, "42011234567.0", "42011234567"),
        (numbers.area_code, "๔๒๐๑๐๑", "420101"),
        (numbers.moo, "หมู่ที่ ๓", 3),
        (numbers.moo, "07", 7),
        (numbers.money, "1,234,567.50 บาท", Decimal("1234567.50")),
        (numbers.money, "฿๑,๕๐๐", Decimal("1500")),
        (numbers.money, "0", Decimal("0")),
        (numbers.phone, "812345678", "0812345678"),
        (numbers.phone, "42811234", "042811234"),
        (numbers.phone, "081-234-5678", "081-234-5678"),
        (numbers.fiscal_year, "พ.ศ. ๒๕๖๙", 2569),
        (cells.yes_no, "ไม่มี", False),
        (cells.yes_no, "มี", True),
        (cells.yes_no, "ไม่ทราบ", None),
        (cells.disabilities, "ไม่มี", ()),
        (cells.disabilities, "ทางการเห็น | ทางการได้ยิน", ("ทางการเห็น", "ทางการได้ยิน")),
        (cells.disabilities, "-", None),
        (cells.name, "ไม่มีข้อมูล", None),
        (cells.name, "น้ำ\u200bใจ", "น้ำใจ"),
        (cells.house_no, "12/5", "12/5"),
        (
            cells.uuids,
            "0199b2c4-7c00-7000-8000-000000000001;",
            (UUID("0199b2c4-7c00-7000-8000-000000000001"),),
        ),
        (choice(vocabulary.SEX), "เพศหญิง", Sex.FEMALE),
        (choice(vocabulary.SEX), "M", Sex.MALE),
        (choice(vocabulary.RELATIONSHIP), "หัวหน้าครัวเรือน", Relationship.HEAD),
        (choice(vocabulary.WELFARE_CARD), "ไม่มี", WelfareCard.NO_CARD),
        (choice(vocabulary.WELFARE_CARD), "1.0", WelfareCard.HAS_CARD),
    ],
)
def test_the_spellings_of_spreadsheets(convert: Callable[[str], Any], text: str, value: Any) -> None:
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "text", "code"),
    [
        (numbers.citizen_id, "1.23457E+12", "rounded-number"),
        (numbers.house_code, "4.2E+10", "rounded-number"),
        (cells.record_id, "1.23E+15", "rounded-number"),
        (numbers.citizen_id, "123456789012", "invalid-citizen-id"),
        (numbers.citizen_id, "1234567890122", "invalid-citizen-id"),
        (numbers.house_code, "4201123456", "wrong-format"),
        (numbers.area_code, "42011", "wrong-format"),
        (numbers.area_code, "4201011", "wrong-format"),
        (numbers.area_code, "#REF!", "spreadsheet-error"),
        (numbers.money, "1.234,50", "wrong-type"),
        (numbers.money, "1,5", "wrong-type"),
        (numbers.money, "1.234", "too-precise"),
        (numbers.money, "-1", "out-of-range"),
        (numbers.money, "99999999999", "out-of-range"),
        (numbers.phone, "0812345678, 0898765432", "wrong-format"),
        (numbers.degrees(5.5, 20.6), "42.1", "out-of-range"),
        (cells.house_no, "2026-05-12", "became-a-date"),
        (cells.house_no, "12-May", "became-a-date"),
        (cells.house_no, "12-พ.ค.", "became-a-date"),
        (cells.name, "สมศรี 1234567890123", "personal-data"),
        (cells.free_line, "เลข 1234567890121", "personal-data"),
        (cells.name, "ก\x00ข", "control-character"),
        (cells.name, "ก" * 201, "too-long"),
        (cells.disabilities, "|".join("ก" * 1 for _ in range(21)), "too-many"),
        (cells.uuid, "no", "wrong-format"),
        (choice(vocabulary.SEX), "3", "unknown-value"),
        (choice(vocabulary.RELATIONSHIP), "หลาน", "unknown-value"),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_has_spoilt_is_a_fault(
    convert: Callable[[str], Any], text: str, code: str
) -> None:
    with pytest.raises(CellFault) as raised:
        convert(text)
    assert raised.value.code == code


def test_every_column_of_every_kind_has_a_converter() -> None:
    named = {name for kind in ImportKind for name in columns_of(kind)}
    assert named == CONVERTERS.keys() | DATES
    assert not CONVERTERS.keys() & DATES
