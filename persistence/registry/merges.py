"""Two households become one on one connection."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access.policy import Reach
from domain.calendar import today
from domain.kernel import Trail
from domain.registry.relocation import HeldPair, Survey
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.exchange.leaving import tell_agencies
from persistence.exchange.trail import leave_all
from persistence.registry.holding import hold_whole
from persistence.registry.households import refresh_facets
from persistence.registry.moves import tell
from persistence.registry.relocation import MERGES
from persistence.registry.trails import changed
from persistence.sql import Binds, reached

_NUMBERED = "UPDATE {table} SET household_id = $2, area_code = $3, version = version + 1, updated_at = $4 WHERE household_id = $1"
_PLAIN = "UPDATE {table} SET household_id = $2, area_code = $3 WHERE household_id = $1"
_VERSIONED = ("problem", "assignment")
_KEYS = "UPDATE event_key SET household_id = $2 WHERE household_id = $1"
# What the other household's own survey has answered stays the answer.
_RESULTS = """WITH moved AS (
    UPDATE indicator_result r SET household_id = $2, area_code = $3 WHERE r.household_id = $1 AND NOT EXISTS (
      SELECT FROM indicator_result own WHERE own.household_id = $2 AND own.fiscal_year = r.fiscal_year
        AND own.indicator_id = r.indicator_id AND own.person_id IS NOT DISTINCT FROM r.person_id)
    RETURNING 1)
  SELECT count(*) FROM moved"""
_CONFLICTS = """UPDATE conflict c SET household_id = $2, area_code = $3 WHERE c.household_id = $1 AND NOT EXISTS (
    SELECT FROM conflict own WHERE own.household_id = $2 AND own.person_id IS NOT DISTINCT FROM c.person_id
      AND own.field = c.field AND own.given_source = c.given_source AND own.given_hash = c.given_hash)"""
_LATEST = """SELECT r.fiscal_year, r.edition, r.indicator_id, i.dimension, r.result
  FROM indicator_result r JOIN indicator i ON i.id = r.indicator_id WHERE r.household_id = $1 AND (r.fiscal_year, r.edition) = (
    SELECT l.fiscal_year, l.edition FROM indicator_result l WHERE l.household_id = $1
    ORDER BY l.fiscal_year DESC, l.edition DESC LIMIT 1)"""
# Only of those whose record lies here: somebody who has gone to the other household before is there already.
_JOIN = """INSERT INTO membership (household_id, id, person_id, area_code, relationship, joined_on, left_on, left_reason)
  SELECT $2, t.id, ms.person_id, $3,
    CASE WHEN ms.relationship = 'head' AND ms.left_on IS NULL AND ms.person_id IS DISTINCT FROM $4 THEN 'other'
      ELSE ms.relationship END,
    ms.joined_on, ms.left_on, ms.left_reason
  FROM unnest($5::uuid[], $6::uuid[]) AS t(of, id) JOIN membership ms ON ms.household_id = $1 AND ms.id = t.of"""
_MEMBERSHIPS = """SELECT ms.id FROM membership ms JOIN person p ON p.household_id = ms.household_id AND p.id = ms.person_id
  WHERE ms.household_id = $1 ORDER BY ms.id"""
_END = (
    "UPDATE membership SET left_on = $2, left_reason = 'merged' WHERE household_id = $1 AND left_on IS NULL"
)
_PERSONS = """WITH known_by AS (
    UPDATE citizen_identity SET household_id = $2, area_code = $3 WHERE household_id = $1)
  UPDATE person SET household_id = $2, area_code = $3, version = version + 1, updated_at = $4 WHERE household_id = $1"""
_NO_HEAD = "UPDATE membership SET relationship = 'other' WHERE household_id = $1 AND relationship = 'head' AND left_on IS NULL"
_CLOSE = """UPDATE household SET case_status = 'closed', close_outcome = 'duplicate', merged_into = $2, house_code = NULL,
    head_person_id = NULL, facets = '{}', version = version + 1, updated_at = $3
  WHERE id = $1 RETURNING version"""
# A duplicate of a duplicate leads on at once.
_LEAD_ON = "UPDATE household SET merged_into = $2 WHERE merged_into = $1"


class PgMerges:
    """Implements `MergeStore`."""

    def __init__(self, connection: Connection, new_id: Callable[[], UUID]) -> None:
        self._connection, self._new_id = connection, new_id

    async def hold(self, reach: Reach, winner_id: UUID, loser_id: UUID) -> HeldPair | None:
        held = await hold_whole(self._connection, reach, [winner_id, loser_id])
        if len(held) < 2:
            return None
        return HeldPair(held[winner_id], held[loser_id])

    async def is_merged(self, reach: Reach, household_id: UUID) -> bool:
        found = await self._connection.fetchval(
            """SELECT EXISTS (SELECT FROM household h WHERE h.id = $1 AND h.merged_into IS NOT NULL
                 AND h.area_code ^@ ANY($2::text[]))""",
            household_id,
            reach.prefixes,
        )
        return bool(found)

    async def successor(self, reach: Reach, household_id: UUID) -> UUID | None:
        binds = Binds((household_id,))
        found = reached(reach, binds(reach.prefixes), binds, alias="h", household="h.id")
        id: UUID | None = await self._connection.fetchval(
            f"""SELECT h.id FROM household gone JOIN household h ON h.id = gone.merged_into
            WHERE gone.id = $1 AND {found} AND {GATE}""",
            *binds,
        )
        return id

    async def fold(
        self,
        reach: Reach,
        pair: HeldPair,
        changes: Mapping[str, Any],
        origins: Mapping[str, Any],
        reason: str,
        *,
        now: datetime,
    ) -> Survey | None:
        winner, loser = pair.winner, pair.loser
        # Told before anything is moved: afterwards nobody is known to have seen the one that is gone.
        gone = loser.version + 1
        await tell_agencies(
            self._connection, loser.id, loser.area_code, "merged", gone, now=now, new_id=self._new_id
        )
        await self._move_casework(pair, now)
        await self._move_people(pair, changes.get("head_person_id"), now)
        moved = await self._connection.fetchval(_RESULTS, loser.id, winner.id, winner.area_code)
        await self._connection.execute(_CLOSE, loser.id, winner.id, now)
        await self._connection.execute(_LEAD_ON, loser.id, winner.id)
        binds = Binds((winner.id, now))
        sets = [f"{name} = {binds(value)}" for name, value in changes.items()]
        sets.append(f"provenance = provenance || {binds(origins)}::jsonb")
        await self._connection.execute(
            f"UPDATE household SET {', '.join([*sets, 'version = version + 1', 'updated_at = $2'])} WHERE id = $1",
            *binds,
        )
        await refresh_facets(self._connection, winner.id)
        await self._tell(reach, pair, changes, reason, now)
        return await self._latest(winner.id) if moved else None

    async def _move_casework(self, pair: HeldPair, now: datetime) -> None:
        values = (pair.loser.id, pair.winner.id, pair.winner.area_code)
        for table in MERGES:
            if table in _VERSIONED:
                await self._connection.execute(_NUMBERED.format(table=table), *values, now)
            else:
                await self._connection.execute(_PLAIN.format(table=table), *values)
        await self._connection.execute(_CONFLICTS, *values)
        await self._connection.execute(_KEYS, pair.loser.id, pair.winner.id)

    async def _move_people(self, pair: HeldPair, head: UUID | None, now: datetime) -> None:
        """The persons with their records; of the memberships each household keeps its own as history."""
        winner, loser = pair.winner, pair.loser
        if head is not None:
            await self._connection.execute(_NO_HEAD, winner.id)
        rows = await self._connection.fetch(_MEMBERSHIPS, loser.id)
        of = [row["id"] for row in rows]
        await self._connection.execute(
            _JOIN, loser.id, winner.id, winner.area_code, head, of, [self._new_id() for _ in of]
        )
        await self._connection.execute(_END, loser.id, today(now))
        await self._connection.execute(_PERSONS, loser.id, winner.id, winner.area_code, now)

    async def _tell(
        self, reach: Reach, pair: HeldPair, changes: Mapping[str, Any], reason: str, now: datetime
    ) -> None:
        winner, loser = pair.winner, pair.loser
        away = changed({}, {"merged_into": winner.id, "reason": reason})
        here = changed(winner.fields, changes) | changed({}, {"merged_from": loser.id, "reason": reason})
        trails = [
            Trail(loser.id, loser.area_code, "household", loser.id, "merged", loser.version + 1, None, away),
            Trail(
                winner.id, winner.area_code, "household", winner.id, "updated", winner.version + 1, None, here
            ),
        ]
        await leave_all(self._connection, reach.actor, trails, now=now, new_id=self._new_id)
        await tell_agencies(
            self._connection, winner.id, winner.area_code, "entered", winner.version + 1,
            now=now, new_id=self._new_id,
        )  # fmt: skip
        await tell(self._connection, winner.id, winner.area_code, now=now, new_id=self._new_id)

    async def _latest(self, household_id: UUID) -> Survey | None:
        rows = await self._connection.fetch(_LATEST, household_id)
        if not rows:
            return None
        answers = [(row["indicator_id"], row["dimension"], row["result"]) for row in rows]
        return Survey(rows[0]["fiscal_year"], rows[0]["edition"], answers)

    async def set_mask(self, household_id: UUID, mask: str) -> None:
        await self._connection.execute(
            "UPDATE household SET dimension_mask = $2 WHERE id = $1", household_id, mask
        )
        await refresh_facets(self._connection, household_id)
