"""What a change of the registry leaves for its history: each field before and after.

Names, birth dates, citizen ids and phones are never kept there, sealed or not: that they changed is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel import Trail
from persistence.engine import Connection

NEVER_KEPT = frozenset({"citizen_id", "phone", "first_name", "last_name", "birth_date"})
_MASKED: dict[str, object] = {"masked": True}


def changed(before: Mapping[str, Any], after: Mapping[str, Any], *, at: str = "") -> dict[str, object]:
    """The fields of `after` with both values, as the history shows them; `at` stands before their names."""
    return {
        f"{at}{name}": _MASKED
        if name in NEVER_KEPT
        else {"before": plain(before.get(name)), "after": plain(value)}
        for name, value in after.items()
    }


def of_member(person_id: UUID) -> str:
    """What stands before the fields of a membership."""
    return f"members/{person_id}/"


def plain(value: Any) -> Any:
    """As JSON: dates and amounts as text."""
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


_LEFT = """INSERT INTO change
    (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at, left_for)
  VALUES ($1, $2, $3, $4, $5, 'left', $6, NULL, $7, $8)"""


async def leave_view(
    connection: Connection,
    trail: Trail,
    *,
    left_for: str,
    now: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """The feed row for those who cover the old area (the trail's) and not the new one: to them it is gone.

    Written before the other rows of the same change, so that it stands before them in the feed.
    """
    await connection.execute(
        _LEFT,
        trail.household_id,
        new_id(),
        trail.area_code,
        trail.type,
        trail.resource_id,
        trail.version,
        now,
        left_for,
    )


_FEED = """INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
  SELECT t.household_id, t.id, t.area_code, t.type, t.resource_id, t.action, t.version, t.agency, $9
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::int[], $8::text[])
    AS t(household_id, id, area_code, type, resource_id, action, version, agency)"""


async def feed(
    connection: Connection, trails: Sequence[Trail], *, now: datetime, new_id: Callable[[], UUID]
) -> None:
    """Feed rows alone, in the order given: for what follows from a change that has its audit row."""
    await connection.execute(
        _FEED,
        [trail.household_id for trail in trails],
        [new_id() for _ in trails],
        [trail.area_code for trail in trails],
        [trail.type for trail in trails],
        [trail.resource_id for trail in trails],
        [trail.action for trail in trails],
        [trail.version for trail in trails],
        [trail.agency for trail in trails],
        now,
    )
