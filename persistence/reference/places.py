"""Areas, kinds of agencies, and the units of those kinds at the areas.

Source: contract 3, domain §9 and appendix D. Bangkok has no provincial administration, and the programme
runs in the 76 other provinces (003 l.377): no unit is made there; an administrator registers those who act.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast, get_args

import geothai
from geothai.abolished import abolished_areas

from domain.reference.units import PREFIX, ActsAt
from persistence.reference.rows import Agency, AgencyKind, Area
from persistence.reference.sheets import Row, numbered, packaged

BANGKOK = "10"
LEVELS: Mapping[int, str] = {2: "province", 4: "district", 6: "subdistrict", 8: "village"}
"""Length of a code → its level."""

_MADE_AT: Mapping[str, str] = {
    "provinces": "province",
    "districts": "district",
    "subdistricts": "subdistrict",
}


def packaged_areas() -> tuple[Area, ...]:
    """The areas of geothai, parents first: those in use, then the abolished ones."""
    source = f"geothai {geothai.DATA_VERSION} (CC-BY-4.0)"

    def area(code: str, name_th: str, name_en: str, parent: str | None) -> Area:
        return Area(code, LEVELS[len(code)], name_th, name_en, parent, None, (), source)

    provinces = [area(p.code, p.name_th, p.name_en, None) for p in geothai.provinces()]
    districts = [
        area(d.code, d.name_th, d.name_en, d.province_code)
        for p in provinces
        for d in geothai.districts(p.code)
    ]
    subdistricts = [
        area(s.code, s.name_th, s.name_en, s.district_code)
        for d in districts
        for s in geothai.subdistricts(d.code)
    ]
    abolished = [
        Area(a.code, a.level, a.name_th, a.name_en, a.parent_code, a.abolished_on, a.successors, source)
        for a in sorted(abolished_areas(), key=lambda a: (len(a.code), a.code))
    ]
    return (*provinces, *districts, *subdistricts, *abolished)


def read_areas(path: Path) -> tuple[Area, ...]:
    """An operator's list, such as the official one of DOPA; villages included.

    The parent is read from the code. A village may lack its subdistrict (communities of municipalities,
    domain §9) and has then no parent; any other area without a parent is refused.
    """

    def build(row: Row) -> Area:
        code = row.text("code")
        if len(code) not in LEVELS or not (code.isascii() and code.isdigit()):
            raise row.fault(f"code: {code} is not 2, 4, 6 or 8 digits")
        return Area(
            code=code,
            level=LEVELS[len(code)],
            name_th=row.text("name_th"),
            name_en=row.optional("name_en"),
            parent_code=code[:-2] or None,
            abolished_on=row.optional("abolished_on"),
            successors=row.several("successors"),
            source=row.text("source"),
        )

    columns = ("code", "name_th", "name_en", "abolished_on", "successors", "source")
    found = numbered(path, columns, build, lambda area: area.code)
    known = {area.code for _, area in found}
    checked = []
    for row, area in found:
        row.several("successors", known)
        if area.parent_code is None or area.parent_code in known:
            checked.append(area)
        elif area.level == "village":
            checked.append(area._replace(parent_code=None))
        else:
            raise row.fault(f"the area {area.parent_code} is missing")
    return tuple(sorted(checked, key=lambda area: (len(area.code), area.code)))


def read_agency_kinds(path: Path | None = None) -> tuple[AgencyKind, ...]:
    """National bodies and kinds of agencies, with where and for which areas their units are made."""

    def build(row: Row) -> AgencyKind:
        acts_at = cast(ActsAt, row.among("acts_at", row.text("acts_at"), get_args(ActsAt)))
        instantiate = row.text("instantiate")
        place = "province" if instantiate.startswith("only:") else _MADE_AT.get(instantiate)
        if instantiate != "no" and place != acts_at:
            raise row.fault(f"instantiate: {instantiate} does not go with acts_at {acts_at}")
        if (row.optional("unit_name_th") is None) != (instantiate == "no"):
            raise row.fault("unit_name_th belongs to kinds with units, and to no other")
        return AgencyKind(
            code=row.text("code"),
            name_th=row.text("name_th"),
            name_en=row.text("name_en"),
            abbreviation=row.optional("abbreviation"),
            level=row.text("level"),
            category=row.text("category"),
            parent_code=row.optional("parent_code"),
            aliases=row.several("aliases"),
            acts_at=acts_at,
            instantiate=instantiate,
            unit_name_th=row.optional("unit_name_th"),
            unit_name_en=row.optional("unit_name_en"),
            note=row.optional("note"),
            source=row.text("source"),
        )

    source = path or packaged("agency_kinds.csv")
    found = numbered(source, AgencyKind._fields, build, lambda kind: kind.code)
    by_code = {kind.code: kind for _, kind in found}
    for row, kind in found:
        _check_ancestors(row, kind, by_code)
    return tuple(by_code.values())


def _check_ancestors(row: Row, kind: AgencyKind, by_code: Mapping[str, AgencyKind]) -> None:
    """Every parent is a kind, and no kind is its own ancestor: `_parent` climbs this ladder."""
    passed = {kind.code}
    above = kind.parent_code
    while above is not None:
        row.among("parent_code", above, by_code)
        if above in passed:
            raise row.fault(f"parent_code: {above} is its own ancestor")
        passed.add(above)
        above = by_code[above].parent_code


def every_agency(kinds: Sequence[AgencyKind], areas: Sequence[Area]) -> tuple[Agency, ...]:
    """Every kind, then one unit for each kind and area that the kind's rule names."""
    by_code = {kind.code: kind for kind in kinds}
    own = (
        Agency(
            code=kind.code,
            name_th=kind.name_th,
            name_en=kind.name_en,
            abbreviation=kind.abbreviation,
            level=kind.level,
            kind=kind.code,
            category=kind.category,
            area_code=None,
            parent_code=kind.parent_code,
            aliases=kind.aliases,
            enabled=kind.acts_at == "country",
            source=kind.source,
        )
        for kind in kinds
    )
    current = [area for area in areas if area.abolished_on is None and area.code[:2] != BANGKOK]
    return (*own, *(unit for kind in kinds for unit in _units(kind, by_code, current)))


def _units(kind: AgencyKind, by_code: Mapping[str, AgencyKind], areas: Sequence[Area]) -> Iterator[Agency]:
    if kind.unit_name_th is None or kind.unit_name_en is None:
        return
    placed = "{area}" in kind.unit_name_th
    for area in areas:
        if not _made_at(kind, area):
            continue
        yield Agency(
            code=f"{kind.code}-{area.code}",
            name_th=kind.unit_name_th.replace("{area}", area.name_th),
            name_en=kind.unit_name_en.replace("{area}", area.name_en or area.name_th),
            abbreviation=f"{kind.abbreviation}{area.name_th if placed else ''}"
            if kind.abbreviation
            else None,
            level=kind.level,
            kind=kind.code,
            category=kind.category,
            area_code=area.code,
            parent_code=_parent(kind, by_code, area),
            aliases=(),
            enabled=True,
            source=f"made for the area from the kind: {kind.source}",
        )


def _made_at(kind: AgencyKind, area: Area) -> bool:
    if kind.instantiate.startswith("only:"):
        return area.code in kind.instantiate.removeprefix("only:").split("|")
    return _MADE_AT.get(kind.instantiate) == area.level


def _parent(kind: AgencyKind, by_code: Mapping[str, AgencyKind], area: Area) -> str | None:
    """The unit of the parent kind that holds the area, or the nearest kind above that acts as itself."""
    above = kind.parent_code
    while above is not None:
        parent = by_code[above]
        if parent.acts_at == "country":
            return above
        length = PREFIX.get(parent.acts_at)
        if parent.instantiate in _MADE_AT and length is not None and length <= len(area.code):
            return f"{above}-{area.code[:length]}"
        above = parent.parent_code
    return None
