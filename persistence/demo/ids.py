"""Numbers that are made, not drawn: the same for household n every time, and never the same twice.

Row ids have the shape of UUIDv7 (RFC 9562): 48 bits of time, then the household's number, the row's number
within it, and filler in the place of the random bits. So they sort by time, then by household.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.registry.citizen_id import check_digit

ROWS = 1 << 12
"""Rows one household may have."""
HOUSEHOLDS = 10**10
"""Households there are citizen ids for."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION, _VARIANT = 7 << 76, 2 << 62
_LOW = (1 << 62) - 1

# Multiplying by a number without a common factor with the modulus is a bijection of 0 to modulus - 1.
_PERSON_STEP, _PERSON_START, _PERSONS = 38_196_601_127, 5_714_032_889, 10**11
_SHORT_STEP, _SHORT_START, _SHORT = 6_180_339, 2_718_281, 10**7


def row_id(at: datetime, household: int, row: int) -> UUID:
    """The id of the row-th row of a household, made at `at` (to the millisecond)."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    filler = (household * ROWS + row) * 0x9E3779B97F4A7C15 >> 40 & 0x3FFFFF
    tail = household << 34 | row << 22 | filler
    return UUID(int=milliseconds << 80 | _VERSION | (tail >> 62) << 64 | _VARIANT | tail & _LOW)


def citizen_id(household: int, member: int) -> str:
    """The 13 digits of the member-th person (0 to 9): first digit 9, which no register issues."""
    twelve = f"9{((household * 10 + member) * _PERSON_STEP + _PERSON_START) % _PERSONS:011d}"
    return twelve + check_digit(twelve)


def phone(household: int, member: int) -> str:
    """Ten digits from 010, which is the prefix of no Thai network (assumed)."""
    return f"010{((household * 10 + member) * _SHORT_STEP + _SHORT_START) % _SHORT:07d}"


def house_code(household: int, district: str) -> str | None:
    """11 digits, the district in the place of the registration office; None from household 10,000,000 on."""
    if household >= _SHORT:
        return None
    return f"{district}{(household * _SHORT_STEP + _SHORT_START) % _SHORT:07d}"
