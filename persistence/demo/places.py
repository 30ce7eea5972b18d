"""Where households live: subdistricts by weight, with villages of our own numbering.

geothai has no population figures; a province weighs as its subdistricts do, and those of the provincial seat's
district count double. Villages (หมู่) are numbered within the subdistrict; their names are made up.
"""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

import geothai

BANGKOK = "10"
COUNTRY = "*"
_CENTRES = {"41": (17.41, 102.79), "42": (17.49, 101.72)}
"""Rough middle of the demo's provinces (general knowledge); a household lies within some 15 km of it."""

_STEMS = ("ห้วย", "โนน", "หนอง", "นา", "ท่า", "โคก", "ดอน", "วัง", "แก่ง", "ภู", "ซำ", "กก")
_LEAVES = ("สว่าง", "งาม", "ม่วง", "ไผ่", "ใหญ่", "น้อย", "แดง", "ทราย", "หิน", "เจริญ", "สามัคคี", "แก้ว", "พัฒนา")


class Place(NamedTuple):
    subdistrict: str
    postcode: str | None
    moo: int
    village_name: str
    latitude: float | None
    longitude: float | None

    @property
    def area_code(self) -> str:
        """The village: subdistrict and moo."""
        return f"{self.subdistrict}{self.moo:02d}"


class Places:
    """The subdistricts inside some areas."""

    def __init__(self, areas: Sequence[str]) -> None:
        """`areas` are codes of 2, 4, 6 or 8 digits, or `*`. ValueError for one without a subdistrict.

        The country is without Bangkok, where the programme does not run (003 l.377, C12).
        """
        self._found: list[tuple[str, str | None, str | None]] = []
        weights: list[int] = []
        if not areas:
            raise ValueError("name the areas the households live in, or * for the country")
        for area in dict.fromkeys(areas):
            before = len(self._found)
            for province in geothai.provinces():
                if province.code == BANGKOK or not _touches(area, province.code):
                    continue
                for district in geothai.districts(province.code):
                    for one in geothai.subdistricts(district.code):
                        if _touches(area, one.code):
                            postcode = one.postal_codes[0] if one.postal_codes else None
                            self._found.append((one.code, postcode, area if len(area) == 8 else None))
                            weights.append(2 if one.code[2:4] == "01" else 1)
            if len(self._found) == before:
                raise ValueError(
                    f"no household can live in area {area}: see /v1/areas; Bangkok is not covered"
                )
        self._bounds = list(accumulate(weights))

    def draw(self, rng: Random) -> Place:
        place = bisect(self._bounds, int(rng.random() * self._bounds[-1]))
        subdistrict, postcode, village = self._found[place]
        number = int(subdistrict)
        moo = int(village[6:]) if village else 1 + int(rng.random() * (7 + number % 7))
        seed = number * 31 + moo * 17
        name = f"บ้าน{_STEMS[seed % len(_STEMS)]}{_LEAVES[seed // 7 % len(_LEAVES)]}"
        latitude = longitude = None
        centre = _CENTRES.get(subdistrict[:2])
        if centre is not None and rng.random() < 0.8:
            latitude = round(centre[0] + rng.uniform(-0.13, 0.13), 5)
            longitude = round(centre[1] + rng.uniform(-0.13, 0.13), 5)
        return Place(subdistrict, postcode, moo, name, latitude, longitude)


def _touches(area: str, code: str) -> bool:
    return area == COUNTRY or code.startswith(area) or area.startswith(code)
