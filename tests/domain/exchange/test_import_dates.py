"""Dates in files: two eras, two scripts, months by name."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exchange.reading import dates
from domain.exchange.reading.faults import CellFault

DAYS = st.dates(date(1857, 1, 1), date(2199, 12, 31))
THAI_DIGITS = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
MONTHS = [
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
]
SHORT = ["ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค."]
ENGLISH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@given(DAYS, st.booleans(), st.booleans(), st.sampled_from("-/."))
def test_a_day_is_read_in_every_spelling(day: date, buddhist: bool, thai: bool, sign: str) -> None:
    year = day.year + 543 if buddhist else day.year
    spellings = [
        f"{year:04d}{sign}{day.month:02d}{sign}{day.day:02d}",
        f"{year:04d}{sign}{day.month}{sign}{day.day} 00:00:00",
        f"{day.day}{sign}{day.month}{sign}{year:04d}",
        f"{day.day:02d}{sign}{day.month:02d}{sign}{year:04d}",
        f"{day.day} {MONTHS[day.month - 1]} {year:04d}",
        f"วันที่ {day.day} {MONTHS[day.month - 1]} พ.ศ. {year:04d}",
        f"{day.day} {SHORT[day.month - 1]}{year:04d}",
        f"{day.day}-{ENGLISH[day.month - 1]}-{year:04d}",
    ]
    for spelling in spellings:
        assert dates.parse(spelling.translate(THAI_DIGITS) if thai else spelling) == day, spelling


@given(DAYS, st.booleans())
def test_eight_digits_are_year_month_day(day: date, buddhist: bool) -> None:
    year = day.year + 543 if buddhist else day.year
    if 1900 <= year < 2700 and str(year)[:2] in ("18", "19", "20", "24", "25", "26"):
        assert dates.parse(f"{year:04d}{day:%m%d}") == day


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("31/01/69", "ambiguous-date"),
        ("31 Jan 26", "ambiguous-date"),
        ("00/00/2500", "incomplete-date"),
        ("2500-00-00", "incomplete-date"),
        ("31/02/2569", "wrong-format"),
        ("01/31/2569", "wrong-format"),
        ("29/02/2568", "wrong-format"),
        ("2300-01-01", "implausible-date"),
        ("2569-01-31 07:30:00", "wrong-format"),
        ("2569-01/31", "wrong-format"),
        ("2569", "wrong-format"),
        ("45688", "wrong-format"),
        ("มกราคม 2569", "wrong-format"),
        ("31 มะกราคม 2569", "wrong-format"),
        ("1" * 5000, "wrong-format"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_a_fault(text: str, code: str) -> None:
    with pytest.raises(CellFault) as raised:
        dates.parse(text)
    assert raised.value.code == code


def test_a_leap_day_of_the_buddhist_era() -> None:
    assert dates.parse("29/2/2567") == date(2024, 2, 29)


def test_two_digits_beside_a_thai_month_are_buddhist() -> None:
    assert dates.parse("๓๐ ก.ย. ๖๕") == date(2022, 9, 30)


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_a_fault(text: str) -> None:
    try:
        assert isinstance(dates.parse(text), date)
    except CellFault as fault:
        assert fault.code in ("wrong-format", "ambiguous-date", "incomplete-date", "implausible-date")  # noqa: PT017
