"""Memberships on one connection: who joins, leaves and heads a household that is held."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access.policy import Reach
from domain.calendar import today as date_of
from domain.kernel import Trail
from domain.registry.household import Relationship
from domain.registry.member import KnownPerson, MemberJoin, MemberLeaving, Membership
from domain.registry.provenance import by_team
from domain.registry.store import Held
from persistence.bounds import bind, bounds_of, masked_bounds
from persistence.engine import Connection
from persistence.exchange.trail import leave, leave_all
from persistence.registry.households import refresh_facets
from persistence.registry.registering import identity_rows, membership_row, person_row
from persistence.registry.trails import changed, leave_view, of_member
from persistence.rows import inserting
from persistence.sealing import Sealing

_KNOWN = """SELECT p.id, p.household_id, p.area_code, p.vital_status FROM person p WHERE {found} FOR UPDATE"""
_LOCK = "SELECT FROM household h WHERE h.id = ANY($1::uuid[]) ORDER BY h.id FOR UPDATE"
_IS_MEMBER = "SELECT EXISTS (SELECT FROM membership ms WHERE ms.person_id = $1 AND ms.left_on IS NULL)"
_CURRENT = """SELECT ms.person_id, ms.relationship, ms.joined_on FROM membership ms
  WHERE ms.household_id = $1 AND ms.person_id = $2 AND ms.left_on IS NULL"""
# Somebody who has died is head no more, and their membership still says so.
_NO_HEAD = """UPDATE membership SET relationship = $2
  WHERE household_id = $1 AND relationship = 'head' AND left_on IS NULL RETURNING person_id"""
# Of a person whom a team has registered everything is the team's already.
_SAID = """UPDATE person SET provenance = provenance || $3::jsonb
  WHERE household_id = $1 AND id = ANY($2::uuid[]) AND provenance <> '{}'"""
_BUMP = """UPDATE household SET version = version + 1, updated_at = $2,
    head_person_id = CASE WHEN $3 THEN $4::uuid ELSE head_person_id END
  WHERE id = $1 RETURNING version, area_code"""
_BRING = """WITH known_by AS (
    UPDATE citizen_identity SET household_id = $3, area_code = $4 WHERE person_id = $2),
  recorded_by AS (
    UPDATE source_record SET household_id = $3, area_code = $4 WHERE household_id = $1 AND person_id = $2),
  disputed AS (
    UPDATE conflict c SET household_id = $3, area_code = $4 WHERE c.household_id = $1 AND c.person_id = $2
      AND NOT EXISTS (SELECT FROM conflict own WHERE own.household_id = $3 AND own.person_id = $2 AND own.field = c.field
        AND own.given_source = c.given_source AND own.given_hash = c.given_hash))
  UPDATE person SET household_id = $3, area_code = $4, version = version + 1, updated_at = $5
  WHERE household_id = $1 AND id = $2 RETURNING version"""


class PgMembers:
    """Implements `MemberStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def known(
        self, reach: Reach, household_id: UUID, *, person_id: UUID | None, citizen_id: str | None
    ) -> KnownPerson | None:
        async with self._country(reach):
            if citizen_id is None:
                values: tuple[Any, ...] = (person_id, reach.prefixes)
                found = "p.id = $1 AND p.area_code ^@ ANY($2::text[])"
            else:
                values = (self._sealing.index.of(citizen_id),)
                found = "p.id = (SELECT ci.person_id FROM citizen_identity ci WHERE ci.blind_index = $1)"
            row = await self._connection.fetchrow(_KNOWN.format(found=found), *values)
            if row is None:
                return None
            # In one order for all: of two who bring people to and fro one waits, and none in a circle.
            await self._connection.execute(_LOCK, [household_id, row["household_id"]])
            # Asked once the person is locked: of two households that want the same one sees the other's.
            is_member = await self._connection.fetchval(_IS_MEMBER, row["id"])
        return KnownPerson(row["id"], row["household_id"], row["area_code"], is_member, row["vital_status"])

    async def current(self, household_id: UUID, person_id: UUID) -> Membership | None:
        row = await self._connection.fetchrow(_CURRENT, household_id, person_id)
        return None if row is None else Membership(**dict(row))

    async def add(
        self, reach: Reach, held: Held, person_id: UUID, draft: MemberJoin, *, now: datetime
    ) -> bool:
        assert draft.person is not None
        rows = [person_row(held.id, person_id, draft.person, held.area_code, self._sealing, now)]
        await self._connection.execute(inserting("person", rows, "$1"), rows)
        if draft.person.citizen_id is not None:
            index = self._sealing.index.every(draft.person.citizen_id)
            identities = identity_rows(held.id, person_id, held.area_code, index)
            tail = "ON CONFLICT DO NOTHING RETURNING 1"
            made = await self._connection.fetch(
                inserting("citizen_identity", identities, "$1", tail=tail), identities
            )
            if len(made) < len(identities):
                return False
        version, changes = await self._joined(held, person_id, draft, now)
        trails = [
            Trail(held.id, held.area_code, "household", held.id, "updated", version, None, changes),
            Trail(held.id, held.area_code, "person", person_id, "created", 1),
        ]
        await leave_all(self._connection, reach.actor, trails, now=now, new_id=self._new_id)
        return True

    async def bring(
        self, reach: Reach, held: Held, person: KnownPerson, draft: MemberJoin, *, now: datetime
    ) -> None:
        elsewhere = person.household_id != held.id
        async with self._country(reach):
            number = await self._connection.fetchval(
                _BRING, person.household_id, person.id, held.id, held.area_code, now
            )
            if elsewhere:
                await self._left_behind(reach, held, person, number, now)
        version, changes = await self._joined(held, person.id, draft, now)
        trails = [
            Trail(held.id, held.area_code, "household", held.id, "updated", version, None, changes),
            Trail(held.id, held.area_code, "person", person.id, "updated", number),
        ]
        await leave_all(self._connection, reach.actor, trails, now=now, new_id=self._new_id)

    async def _left_behind(
        self, reach: Reach, held: Held, person: KnownPerson, number: int, now: datetime
    ) -> None:
        """The household that the record came from shows it no more."""
        row = await self._connection.fetchrow(_BUMP, person.household_id, now, False, None)
        home, area = person.household_id, row["area_code"]
        if area != held.area_code:
            trail = Trail(home, area, "person", person.id, "left", number)
            await leave_view(self._connection, trail, left_for=held.area_code, now=now, new_id=self._new_id)
        changes: dict[str, object] = {
            of_member(person.id) + "person": {"before": "here", "after": "elsewhere"}
        }
        trail = Trail(home, area, "household", home, "updated", row["version"], None, changes)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)

    async def _joined(
        self, held: Held, person_id: UUID, draft: MemberJoin, now: datetime
    ) -> tuple[int, dict[str, object]]:
        """The new version of the household, and what has changed in it."""
        heads = draft.relationship is Relationship.HEAD
        former = await self._no_head(held, Relationship.OTHER) if heads else []
        await self._said(held, [person_id, *former], now)
        rows = [membership_row(held.id, self._new_id(), person_id, draft, held.area_code)]
        await self._connection.execute(inserting("membership", rows, "$1"), rows)
        row = await self._connection.fetchrow(_BUMP, held.id, now, heads, person_id)
        await refresh_facets(self._connection, held.id)
        after = {"relationship": draft.relationship.value, "joined_on": draft.joined_on}
        changes = changed({}, after, at=of_member(person_id))
        if heads:
            changes |= changed(held.fields, {"head_person_id": person_id})
        return row["version"], changes

    async def amend(
        self, reach: Reach, held: Held, member: Membership, changes: Mapping[str, Any], *, now: datetime
    ) -> None:
        after = {
            "relationship": changes.get("relationship", member.relationship),
            "joined_on": changes.get("joined_on", member.joined_on),
        }
        await self._connection.execute(
            """UPDATE membership SET relationship = $3, joined_on = $4
               WHERE household_id = $1 AND person_id = $2 AND left_on IS NULL""",
            held.id,
            member.person_id,
            after["relationship"],
            after["joined_on"],
        )
        if "relationship" in changes:
            await self._said(held, [member.person_id], now)
        before = {"relationship": member.relationship, "joined_on": member.joined_on}
        told = changed(before, changes, at=of_member(member.person_id))
        await self._amended(reach, held, told, now)

    async def end(
        self, reach: Reach, held: Held, member: Membership, leaving: MemberLeaving, *, now: datetime
    ) -> None:
        await self._connection.execute(
            """UPDATE membership SET left_on = $3, left_reason = $4
               WHERE household_id = $1 AND person_id = $2 AND left_on IS NULL""",
            held.id,
            member.person_id,
            leaving.left_on,
            leaving.reason,
        )
        after = {"left_on": leaving.left_on, "left_reason": leaving.reason}
        changes = changed({}, after, at=of_member(member.person_id))
        headless = held.fields["head_person_id"] == member.person_id
        if headless:
            changes |= changed(held.fields, {"head_person_id": None})
        await self._amended(reach, held, changes, now, head=headless)
        await refresh_facets(self._connection, held.id)

    async def change_head(
        self,
        reach: Reach,
        held: Held,
        member: Membership,
        former: Relationship,
        reason: str,
        *,
        now: datetime,
    ) -> None:
        # One after the other: a household has one head at every moment.
        gone = await self._no_head(held, former)
        await self._connection.execute(
            """UPDATE membership SET relationship = 'head'
               WHERE household_id = $1 AND person_id = $2 AND left_on IS NULL""",
            held.id,
            member.person_id,
        )
        await self._said(held, [member.person_id, *gone], now)
        changes = changed(held.fields, {"head_person_id": member.person_id})
        changes |= changed({}, {"reason": reason}, at="head_person_id/")
        await self._amended(reach, held, changes, now, head=True, to=member.person_id)

    async def _no_head(self, held: Held, now_is: Relationship) -> list[UUID]:
        """Who was head."""
        return [row[0] for row in await self._connection.fetch(_NO_HEAD, held.id, now_is)]

    async def _said(self, held: Held, persons: Sequence[UUID], now: datetime) -> None:
        """Their place in the household is what a team has said: no import changes it."""
        noted = by_team(("relationship",), date_of(now))
        await self._connection.execute(_SAID, held.id, persons, noted)

    async def _amended(
        self,
        reach: Reach,
        held: Held,
        changes: dict[str, object],
        now: datetime,
        *,
        head: bool = False,
        to: UUID | None = None,
    ) -> None:
        """A new version of the household; `head`: whose head becomes `to`."""
        row = await self._connection.fetchrow(_BUMP, held.id, now, head, to)
        trail = Trail(held.id, held.area_code, "household", held.id, "updated", row["version"], None, changes)
        await leave(self._connection, reach.actor, trail, now=now, new_id=self._new_id)

    @asynccontextmanager
    async def _country(self, reach: Reach) -> AsyncIterator[None]:
        """For these statements the wall is that of the country: whoever has left a household may join one of
        another province, and is found there by citizen id."""
        await bind(self._connection, masked_bounds(reach.actor.agency, [""]))
        yield
        await bind(self._connection, bounds_of(reach.actor)._replace(granted=False))
