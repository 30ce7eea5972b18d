from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import (
    buddhist_year,
    fiscal_quarter,
    fiscal_year,
    fiscal_year_window,
    gregorian_year,
    quarter_window,
    today,
)

days = st.dates(min_value=date(1957, 1, 1), max_value=date(2156, 12, 31))


@pytest.mark.parametrize(
    ("day", "year", "quarter"),
    [
        (date(2022, 11, 21), 2566, 1),
        (date(2022, 9, 30), 2565, 4),
        (date(2023, 3, 31), 2566, 2),
        (date(2023, 12, 31), 2567, 1),
        (date(2023, 5, 18), 2566, 3),
        (date(2025, 10, 1), 2569, 1),
        (date(2026, 9, 30), 2569, 4),
        (date(2026, 11, 21), 2570, 1),
    ],
)
def test_fiscal_years_and_quarters_of_the_seed_dates(day: date, year: int, quarter: int) -> None:
    assert (fiscal_year(day), fiscal_quarter(day)) == (year, quarter)


def test_the_fiscal_year_turns_at_midnight_in_bangkok() -> None:
    eve = datetime(2025, 9, 30, 16, 59, 59, tzinfo=UTC)
    assert (today(eve), fiscal_year(eve)) == (date(2025, 9, 30), 2568)
    assert (today(eve + timedelta(seconds=1)), fiscal_year(eve + timedelta(seconds=1))) == (
        date(2025, 10, 1),
        2569,
    )


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        today(datetime(2026, 1, 1))  # noqa: DTZ001  # the point of the test


def test_buddhist_years() -> None:
    assert (buddhist_year(2026), gregorian_year(2569)) == (2569, 2026)
    with pytest.raises(ValueError, match="Buddhist"):
        gregorian_year(2026)


def test_a_quarter_is_one_of_four() -> None:
    with pytest.raises(ValueError, match="quarter"):
        quarter_window(2569, 5)


@given(days)
def test_a_day_lies_in_the_window_of_its_year_and_quarter(day: date) -> None:
    year, quarter = fiscal_year(day), fiscal_quarter(day)
    first, last = fiscal_year_window(year)
    starts, ends = quarter_window(year, quarter)
    assert first <= starts <= day <= ends <= last


@given(st.integers(min_value=2500, max_value=2690))
def test_fiscal_years_follow_each_other_without_a_gap(year: int) -> None:
    assert fiscal_year_window(year)[1] + timedelta(days=1) == fiscal_year_window(year + 1)[0]
