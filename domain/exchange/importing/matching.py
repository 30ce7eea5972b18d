"""What rows and records are recognised by, and small pieces that values are compared with."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from domain.exchange.importing.job import Job
from domain.exchange.importing.state import Household
from domain.exchange.reading.rows import CleanRow, HouseholdPart, PersonPart
from domain.registry.provenance import Origin
from domain.thai import name_key

MOST_SOURCES = 20
_key = lru_cache(maxsize=20_000)(name_key)
"""Names come again and again."""


def evidenced(
    sources: list[dict[str, Any]], system: str, record_id: str | None, seen_on: date | None, by: Origin
) -> list[dict[str, Any]]:
    """The sources with this one among them; the same list where it tells nothing new."""
    for at, one in enumerate(sources):
        if one["system"] == system and one.get("record_id") == record_id:
            known = one.get("seen_on")
            if seen_on is None or (known is not None and known >= seen_on.isoformat()):
                return sources
            return [*sources[:at], {**one, "seen_on": seen_on.isoformat()}, *sources[at + 1 :]]
    if len(sources) >= MOST_SOURCES:
        return sources
    return [*sources, {"system": system, "record_id": record_id, "seen_on": by.stamp()[1]}]


def record_key(row: CleanRow, job: Job) -> str:
    """What a row without a citizen id is found by again: its own record id, else all that it says of who it is."""
    if row.record_id is not None:
        return f"p|{job.agency}|{job.kind}|{row.record_id}"
    part, house = row.person, row.household
    assert part is not None
    assert house is not None
    who = (
        part.first_name,
        part.last_name,
        part.birth_date,
        house.house_code,
        house.area_code,
        house.house_no,
        house.moo,
    )
    return f"n|{job.agency}|{job.kind}|{house.household_record_id}|{who!r}"


def house_key(row: CleanRow, job: Job) -> str:
    assert row.household is not None
    return f"h|{job.agency}|{job.kind}|{row.household.household_record_id}"


def group_of(row: CleanRow) -> str | None:
    part = row.household
    assert part is not None
    if part.house_code is not None:
        return f"c|{part.house_code}"
    return f"r|{part.household_record_id}" if part.household_record_id is not None else None


def fits(home: Household, row: CleanRow) -> bool:
    """Whether the row's house can be this one."""
    part = row.household
    assert part is not None
    code = home.values["house_code"]
    return (code is None or part.house_code is None or code == part.house_code) and (
        part.area_code is None or alike("area_code", home.area_code, part.area_code)
    )


def alike(name: str, stored: str, given: str) -> bool:
    # A subdistrict and a village in it are no contradiction.
    return stored == given or (name == "area_code" and (stored.startswith(given) or given.startswith(stored)))


def location_of(part: HouseholdPart) -> tuple[float, float] | None:
    if part.latitude is None or part.longitude is None:
        return None
    return part.latitude, part.longitude


def keys_of(part: PersonPart) -> tuple[str, str]:
    assert part.first_name is not None
    return _key(part.first_name), _key(part.last_name) if part.last_name else ""


def shown(value: Any) -> Any:
    """As JSON."""
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return value if isinstance(value, bool | int | float | str | list | None) else str(value)


def row_code(column: str, code: str, detail: str) -> Mapping[str, str]:
    return {"column": column, "code": code, "detail": detail}
