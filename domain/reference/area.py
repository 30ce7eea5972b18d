"""Areas: province, district, subdistrict and village by their DOPA codes (contract 1 and 3)."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.kernel import AreaCode, Line, Value


class AreaLevel(StrEnum):
    """What an area is, by the length of its code: 2, 4, 6 or 8 digits."""

    PROVINCE = "province"
    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"
    VILLAGE = "village"


class Area(Value):
    """An area of the country."""

    code: AreaCode
    """A code holds every longer one that starts with it."""
    level: AreaLevel
    name_th: Line
    """Without the word for its level: เลย, not จังหวัดเลย."""
    name_en: Line | None
    parent_code: AreaCode | None
    """The area above; null for a province."""
    abolished_on: date | None
    """When the code went out of use; null while it is in use. No household is registered in an abolished area."""
    successors: Annotated[list[AreaCode], Field(max_length=100)]
    """The areas that took an abolished one's place, where known."""
    source: Line


class AreaFilter(Value):
    """Filters AND; a repeated one ORs."""

    parent: Annotated[list[AreaCode], Field(max_length=50)] = []
    """The areas directly below this one."""
    level: Annotated[list[AreaLevel], Field(max_length=4)] = []
    q: Line | None = None
    """The beginning of the Thai name, the English name or the code."""
    include_abolished: bool = False
    """Also areas whose code is no longer in use."""
