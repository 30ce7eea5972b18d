"""Who acts at a place: from the body a rule names to the agency that can be assigned there.

Source: contract 3 (a national body acts as itself, every other kind acts at a place and is its own agency
`KIND-AREACODE`), domain §5 (which unit acts for a ministry). The pairs are data: `acts_through.csv`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from domain.kernel import Value

ActsAt = Literal["country", "province", "district", "subdistrict", "none"]
"""Where the units of a kind stand; `none`: the kind has no unit of its own and others act for it."""

PREFIX: Mapping[str, int] = {"province": 2, "district": 4, "subdistrict": 6}
"""Digits of the area code of a unit."""

_UNIT = re.compile("[A-Z][A-Z0-9_]*-[0-9]{2,8}")


class ActsThrough(Value):
    """One line of the routing table: at a place, units of `unit_kind` act for `code`."""

    code: str
    """The kind that a menu or an indicator names."""
    sequence: int
    """Lines of one code are tried in this order."""
    unit_kind: str
    """`code` itself where it acts as itself."""
    indicators: tuple[str, ...] = ()
    """Only for problems of these indicators; empty: for all."""
    reason_th: str
    reason_en: str
    source: str


class Routing(Value):
    """The routing table with the places of all kinds."""

    acts_at: Mapping[str, ActsAt]
    through: Mapping[str, tuple[ActsThrough, ...]]

    @classmethod
    def of(cls, acts_at: Mapping[str, ActsAt], lines: Sequence[ActsThrough]) -> "Routing":
        """Lines meant for particular indicators come before the general ones, then their sequence."""
        grouped: dict[str, list[ActsThrough]] = {}
        for line in sorted(lines, key=lambda line: (not line.indicators, line.sequence)):
            grouped.setdefault(line.code, []).append(line)
        return cls(acts_at=acts_at, through={code: tuple(found) for code, found in grouped.items()})


class ActingUnit(Value):
    """The agency that acts, and why it."""

    code: str
    """An agency code: `PROV_MOPH-42`, or a body that acts as itself."""
    acts_for: str
    """The code the rule named."""
    reason: str
    reason_th: str


def unit_code(kind: str, acts_at: ActsAt, area_code: str) -> str | None:
    """The code of the unit of a kind whose area holds `area_code`; None if the kind has no place, or the
    area is wider than a unit."""
    length = PREFIX.get(acts_at)
    if length is None or len(area_code) < length:
        return None
    return f"{kind}-{area_code[:length]}"


def acting_unit(
    code: str,
    area_code: str,
    routing: Routing,
    exists: Callable[[str], bool],
    *,
    indicator_id: str | None = None,
) -> ActingUnit:
    """The agency that acts for `code` at `area_code`.

    A unit named directly stands. A kind with a place acts through its unit there. A national body, and a
    kind without units of its own, acts through the first line of the table whose unit `exists`; with none
    it is named itself, so that a person sees whom to ask.
    """
    if _UNIT.fullmatch(code):
        return _unit(code, code, "named directly", "ระบุหน่วยงานโดยตรง")
    own = unit_code(code, routing.acts_at.get(code, "none"), area_code)
    if own and exists(own):
        return _unit(own, code, "its unit at the household's area", "หน่วยงานประเภทนี้ในพื้นที่ของครัวเรือน")
    for line in routing.through.get(code, ()):
        if line.indicators and indicator_id not in line.indicators:
            continue
        if line.unit_kind == code:
            return _unit(code, code, line.reason_en, line.reason_th)
        found = unit_code(line.unit_kind, routing.acts_at.get(line.unit_kind, "none"), area_code)
        if found and exists(found):
            return _unit(found, code, line.reason_en, line.reason_th)
    return _unit(code, code, "no unit of it is registered at the area", "ยังไม่มีหน่วยงานขึ้นทะเบียนในพื้นที่")


def _unit(code: str, acts_for: str, reason: str, reason_th: str) -> ActingUnit:
    return ActingUnit(code=code, acts_for=acts_for, reason=reason, reason_th=reason_th)
