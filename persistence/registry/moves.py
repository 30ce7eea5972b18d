"""A household moves on one connection: the area of all its rows, and what the feed tells of it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from domain.access.policy import Reach
from domain.calendar import today
from domain.kernel import Trail
from domain.registry.provenance import by_team
from domain.registry.relocation import HouseholdMove, moved_fields
from domain.registry.store import Held
from persistence.engine import Connection
from persistence.exchange.leaving import tell_agencies
from persistence.exchange.trail import leave
from persistence.registry.holding import hold_whole
from persistence.registry.relocation import MOVES
from persistence.registry.trails import changed, feed, leave_view
from persistence.sql import Binds

_VERSIONED = ("problem", "assignment")
"""Whose representation shows the area: each is a new version."""
_NUMBERED = (
    "UPDATE {table} SET area_code = $2, version = version + 1, updated_at = $3 WHERE household_id = $1"
)
_PLAIN = "UPDATE {table} SET area_code = $2 WHERE household_id = $1"
FOLLOWERS = """SELECT 'person' AS type, p.id, p.version, NULL AS agency FROM person p WHERE p.household_id = $1
  UNION ALL SELECT 'problem', pr.id, pr.version, NULL FROM problem pr WHERE pr.household_id = $1
  UNION ALL SELECT 'analysis', an.id, 1, NULL FROM analysis an WHERE an.household_id = $1
  UNION ALL SELECT 'assignment', asg.id, asg.version, asg.agency FROM assignment asg WHERE asg.household_id = $1
  UNION ALL SELECT 'assistance_event', ev.id, ev.version, ev.agency FROM assistance_event ev WHERE ev.household_id = $1
  ORDER BY 1, 2"""
"""$1 household: what the feed names of it, with versions."""


class PgMoves:
    """Implements `MoveStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def hold(self, reach: Reach, household_id: UUID) -> Held | None:
        return (await hold_whole(self._connection, reach, [household_id])).get(household_id)

    async def move(self, reach: Reach, held: Held, to: HouseholdMove, *, now: datetime) -> None:
        fields = moved_fields(to)
        before = {**held.fields, "area_code": held.area_code}
        changes = {name: value for name, value in fields.items() if before[name] != value}
        binds = Binds((held.id, now))
        sets = [f"{name} = {binds(value)}" for name, value in changes.items()]
        sets.append(f"provenance = provenance || {binds(by_team(changes, today(now)))}::jsonb")
        await self._connection.execute(
            f"UPDATE household SET {', '.join([*sets, 'version = version + 1', 'updated_at = $2'])} WHERE id = $1",
            *binds,
        )
        version, told = held.version + 1, changed(before, changes) | changed({}, {"moved_on": to.moved_on})
        trail = Trail(held.id, to.area_code, "household", held.id, "moved", version, None, told)
        if to.area_code == held.area_code:
            await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)
            return
        await self._rewrite(held.id, to.area_code, now)
        await self._tell_those_who_lose_it(held, to.area_code, version, now)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)
        await tell_agencies(
            self._connection, held.id, to.area_code, "entered", version, now=now, new_id=self._new_id
        )
        await tell(self._connection, held.id, to.area_code, now=now, new_id=self._new_id)

    async def _tell_those_who_lose_it(self, held: Held, area_code: str, version: int, now: datetime) -> None:
        gone = Trail(held.id, held.area_code, "household", held.id, "left", version)
        await leave_view(self._connection, gone, left_for=area_code, now=now, new_id=self._new_id)
        await tell_agencies(
            self._connection, held.id, held.area_code, "left", version,
            left_for=area_code, now=now, new_id=self._new_id,
        )  # fmt: skip

    async def _rewrite(self, household_id: UUID, area_code: str, now: datetime) -> None:
        for table in MOVES:
            if table in _VERSIONED:
                await self._connection.execute(_NUMBERED.format(table=table), household_id, area_code, now)
            else:
                await self._connection.execute(_PLAIN.format(table=table), household_id, area_code)


async def tell(
    connection: Connection, household_id: UUID, area_code: str, *, now: datetime, new_id: Callable[[], UUID]
) -> None:
    """Feed rows for everything of the household: to those who have just come to see it, all of it is new."""
    rows = await connection.fetch(FOLLOWERS, household_id)
    trails = [
        Trail(household_id, area_code, row["type"], row["id"], "updated", row["version"], row["agency"])
        for row in rows
    ]
    if trails:
        await feed(connection, trails, now=now, new_id=new_id)
