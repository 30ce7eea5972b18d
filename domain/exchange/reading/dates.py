"""Dates as people write them into files: Gregorian or Buddhist, Thai or Arabic digits, numbers or month names.

A year from 2400 on is Buddhist. Numbers stand as year-month-day or, as Thais write, day-month-year; whatever could
be read in two ways is a fault. Source: domain §9 (calendar; `thai_date_vectors`); the rest is assumed.
"""

import re
from datetime import date

from domain.calendar import BUDDHIST_OFFSET
from domain.exchange.reading.faults import CellFault
from domain.thai import arabic_digits, clean

_MONTHS = (
    "มกราคม มค january jan", "กุมภาพันธ์ กพ february feb", "มีนาคม มีค march mar",
    "เมษายน เมย april apr", "พฤษภาคม พค may", "มิถุนายน มิย june jun",
    "กรกฎาคม กค july jul", "สิงหาคม สค august aug", "กันยายน กย september sep sept",
    "ตุลาคม ตค october oct", "พฤศจิกายน พย november nov", "ธันวาคม ธค december dec",
)  # fmt: skip
MONTHS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
"""Without full stops, in lower case."""

# A time is let go where it is midnight: spreadsheets and databases add one to a date.
_MIDNIGHT = r"(?:[T ]0?0:00(?::00(?:\.0+)?)?(?:Z|\+00:00|\+07:00)?)?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}}){_MIDNIGHT}")
_COMPACT = re.compile(r"((?:1[89]|2[0456])[0-9]{2})([0-9]{2})([0-9]{2})")
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}})([-/.])([0-9]{{1,2}})\2([0-9]{{4}}|[0-9]{{2}}){_MIDNIGHT}")
_NAMED = re.compile(r"([0-9]{1,2})[ \-/]*([^\W\d_][^\d]*?)[ \-/]*([0-9]{4}|[0-9]{2})")
_ERA = re.compile(r"(?:วันที่|พ\.?ศ\.?|ค\.?ศ\.?|ณ )")
_LEAST, _MOST = 1800, 2200


def parse(text: str) -> date:
    """Raises CellFault `wrong-format`, `incomplete-date` (a day or month of 0), `ambiguous-date` (a year of two digits)."""
    if len(text) > 60:
        raise _wrong()
    plain = " ".join(_ERA.sub(" ", arabic_digits(clean(text))).split())
    if found := _YEAR_FIRST.fullmatch(plain):
        return _date(found[1], int(found[3]), found[4])
    if found := _DAY_FIRST.fullmatch(plain):
        if len(found[4]) == 2:
            raise CellFault("ambiguous-date", "Write the year with four digits.")
        return _date(found[4], int(found[3]), found[1])
    if found := _COMPACT.fullmatch(plain):
        return _date(found[1], int(found[2]), found[3])
    if (found := _NAMED.fullmatch(plain)) and (month := MONTHS.get(_month_key(found[2]))):
        return _named(found, month)
    raise _wrong()


def _named(found: re.Match[str], month: int) -> date:
    year = found[3]
    if len(year) == 2:
        if found[2].isascii():
            raise CellFault("ambiguous-date", "Write the year with four digits.")
        year = f"25{year}"  # beside a Thai month the era is Buddhist (000: ๓๐ ก.ย. ๖๕)
    return _date(year, month, found[1])


def _month_key(text: str) -> str:
    return text.replace(".", "").replace(" ", "").lower()


def _date(year_text: str, month: int, day: str) -> date:
    if month == 0 or int(day) == 0:
        raise CellFault("incomplete-date", "The day or the month is 0: give the whole date, or none.")
    year = int(year_text)
    if year >= 2400:
        year -= BUDDHIST_OFFSET
    if not _LEAST <= year <= _MOST:
        raise CellFault("implausible-date", "The year cannot be; is it mistyped?")
    try:
        return date(year, month, int(day))
    except ValueError:
        raise CellFault(
            "wrong-format", "There is no such day; dates are year-month-day or day/month/year."
        ) from None


def _wrong() -> CellFault:
    return CellFault("wrong-format", "Write the date as 2026-01-31, 31/01/2569 or 31 ม.ค. 2569.")
