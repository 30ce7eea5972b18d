"""The calendar of the programme: Buddhist years, and the fiscal year that starts on 1 October.

Source: 001 §2 and 003 for fiscal years and quarters (domain §9); quarters are fiscal: Q1 is October to
December. A moment belongs to the day it has in Bangkok, whatever the zone of the clock.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

BANGKOK = ZoneInfo("Asia/Bangkok")
BUDDHIST_OFFSET = 543
"""Years between the Buddhist and the Gregorian era."""


def today(now: datetime) -> date:
    """The date in Bangkok at `now`; ValueError for a time without a zone."""
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return now.astimezone(BANGKOK).date()


def buddhist_year(gregorian: int) -> int:
    """2026 → 2569."""
    return gregorian + BUDDHIST_OFFSET


def gregorian_year(buddhist: int) -> int:
    """2569 → 2026; ValueError for a year that cannot be Buddhist (before 2400 or after 2700)."""
    if not 2400 <= buddhist <= 2700:
        raise ValueError("a Buddhist year lies between 2400 and 2700")
    return buddhist - BUDDHIST_OFFSET


def fiscal_year(on: date) -> int:
    """The Buddhist-era fiscal year of a Bangkok date: 2569 is 1 October 2025 to 30 September 2026.

    A moment is taken at its Bangkok date.
    """
    day = _day(on)
    return buddhist_year(day.year) + (day.month >= 10)


def fiscal_quarter(on: date) -> int:
    """1 (October to December) to 4 (July to September) of a Bangkok date."""
    return (_day(on).month - 10) % 12 // 3 + 1


def fiscal_year_window(year: int) -> tuple[date, date]:
    """First and last day of a Buddhist-era fiscal year."""
    ends = gregorian_year(year)
    return date(ends - 1, 10, 1), date(ends, 9, 30)


def quarter_window(year: int, quarter: int) -> tuple[date, date]:
    """First and last day of a fiscal quarter; ValueError unless it is 1 to 4."""
    ends = gregorian_year(year)
    windows = {
        1: (date(ends - 1, 10, 1), date(ends - 1, 12, 31)),
        2: (date(ends, 1, 1), date(ends, 3, 31)),
        3: (date(ends, 4, 1), date(ends, 6, 30)),
        4: (date(ends, 7, 1), date(ends, 9, 30)),
    }
    if quarter not in windows:
        raise ValueError("a quarter is 1, 2, 3 or 4")
    return windows[quarter]


def _day(on: date) -> date:
    # A datetime is a date to Python; its own day may not be the day in Bangkok.
    return today(on) if isinstance(on, datetime) else on
