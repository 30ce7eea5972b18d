"""When things happen in the demo: fixed days, so that a demo made today is the one made last month.

Households are registered in fiscal year 2568, one after the other and ever faster, so that any number of them
is in before `REGISTERED_BY`. The cycle of 2569 follows a year later, and the last record is older than `AS_OF`.
"""

from datetime import UTC, date, datetime, timedelta

FISCAL_YEAR = 2569
EDITION = "38"
AS_OF = date(2026, 9, 30)
"""The last day of the fiscal year: ages are counted to it, and nothing is recorded after it."""

_START = datetime(2024, 12, 20, 2, 0, tzinfo=UTC)
_SPAN = timedelta(days=60) // timedelta(milliseconds=1)
_HALF = 5000
"""The number of the household registered halfway through the span."""
REGISTERED_BY = _START + timedelta(milliseconds=_SPAN)
SURVEY_AFTER = timedelta(days=340)
CYCLE_AFTER = timedelta(days=365)


def registered(number: int) -> datetime:
    """When household `number` was registered; later for a higher number, or in the same millisecond."""
    return _START + timedelta(milliseconds=_SPAN * number // (number + _HALF))
