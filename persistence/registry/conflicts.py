"""Conflicts between sources, and where fields come from, on one connection."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.access.policy import MASKED_FIELDS, Reach
from domain.kernel import Document, Listing, Paging, Trail
from domain.registry.conflict import Choice, ConflictFilter, ConflictStatus, HeldConflict
from domain.registry.provenance import EMPTY, EVERY, TEAM
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.exchange.trail import leave
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.masking import free_text
from persistence.registry.holding import LIVE
from persistence.sealing import Sealing
from persistence.sql import Binds, reached

_HIDDEN = ", ".join(f"'{name}'" for name in MASKED_FIELDS)
_COLUMNS = f"""c.id, c.household_id, c.person_id, c.field, c.field IN ({_HIDDEN}) AS masked, c.stored, c.stored_source,
  c.stored_seen_on, c.given, c.given_source, c.given_seen_on, c.import_id, c.row_number, c.status, c.choice,
  {free_text("c.reason")}, c.settled_by, c.settled_at, c.created_at"""
_READABLE = """(SELECT id, household_id, person_id, field, stored, stored_source, stored_seen_on, given, given_source,
  given_seen_on, import_id, row_number, status, choice, reason, settled_by, settled_at, created_at FROM conflict)"""
"""Without what is sealed, which has a view of its own."""
_HOUSEHOLD_FIELDS = (
    "house_code", "house_no", "moo", "village_name", "road", "postcode", "classification", "stage",
    "annual_income_per_person", "has_land",
)  # fmt: skip
_PERSON_FIELDS = (
    "prefix", "first_name", "last_name", "sex", "birth_date", "vital_status", "deceased_on", "welfare_card", "bedridden",
    "able_to_work", "occupation", "annual_income",
)  # fmt: skip


def _origins(alias: str, said: str) -> str:
    """The fields that `said` lists as (name, whether it has a value), each with its source."""
    noted = f"coalesce({alias}.provenance -> f.name, {alias}.provenance -> '{EVERY}')"
    return f"""(SELECT coalesce(json_agg(o), '[]') FROM (
      SELECT f.name AS field, coalesce({noted} ->> 0, '{TEAM}') AS source, ({noted} ->> 1)::date AS seen_on
      FROM (VALUES {said}) f(name, there) WHERE f.there ORDER BY f.name) o)"""


def _said(alias: str, fields: tuple[str, ...], *more: str) -> str:
    there = [
        f"('{name}', {alias}.{name} IS NOT NULL"
        + (f" AND {alias}.{name} <> '{EMPTY[name]}'" if name in EMPTY else "")
        + ")"
        for name in fields
    ]
    return ", ".join((*there, *more))


_HOUSEHOLD_ORIGINS = _origins(
    "h",
    _said(
        "h", _HOUSEHOLD_FIELDS, "('location', h.latitude IS NOT NULL)", "('target_groups', h.target_groups <> '[]')",
        "('indicator_results', h.dimension_mask IS NOT NULL)",
    ),
)  # fmt: skip
_PERSON_ORIGINS = _origins(
    "p",
    _said(
        "p", _PERSON_FIELDS, "('citizen_id', p.citizen_id_tail IS NOT NULL)", "('disabilities', p.disabilities <> '{}')",
        "('phone', p.provenance ? 'phone')",
    ),
)  # fmt: skip
_PROVENANCE = f"""SELECT (SELECT row_to_json(t) FROM (SELECT h.id AS household_id, {_HOUSEHOLD_ORIGINS} AS fields,
    (SELECT coalesce(json_agg(m), '[]') FROM (
      SELECT ms.person_id, {_PERSON_ORIGINS} AS fields
      FROM membership ms JOIN person p ON p.household_id = ms.household_id AND p.id = ms.person_id
      WHERE ms.household_id = h.id AND ms.left_on IS NULL ORDER BY ms.id) m) AS members) t)
  FROM household h WHERE """


class PgConflicts:
    """Implements `ConflictStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def page(
        self, reach: Reach, household_id: UUID, where: ConflictFilter, paging: Paging
    ) -> Listing | None:
        binds = Binds((household_id, reach.prefixes))
        seen = f"h.id = $1 AND {LIVE} AND {reached(reach, '$2', binds, alias='h', household='h.id')}"
        if not await self._connection.fetchval(
            f"SELECT true FROM household h WHERE {seen} AND {GATE}", *binds
        ):
            return None
        binds = Binds((household_id,))
        found = ["c.household_id = $1"]
        if where.status:
            found.append(f"c.status = ANY({binds(list(where.status))}::text[])")
        source = Source(_READABLE, "c", _COLUMNS)
        return await fetch_page(self._connection, source, found, ORDERS[paging.sort], paging, binds)

    async def provenance(self, reach: Reach, household_id: UUID) -> Document | None:
        binds = Binds((household_id, reach.prefixes))
        seen = f"h.id = $1 AND {LIVE} AND {reached(reach, '$2', binds, alias='h', household='h.id')}"
        text = await self._connection.fetchval(f"{_PROVENANCE}{seen} AND {GATE}", *binds)
        return None if text is None else Document(text, 1)

    async def view(self, reach: Reach, conflict_id: UUID) -> Document | None:
        text = await self._connection.fetchval(
            f"SELECT (SELECT row_to_json(t) FROM (SELECT {_COLUMNS}) t) FROM conflict c WHERE c.id = $1 AND {GATE}",
            conflict_id,
        )
        return None if text is None else Document(text, 1)

    async def hold(self, reach: Reach, household_id: UUID, conflict_id: UUID) -> HeldConflict | None:
        row = await self._connection.fetchrow(
            """SELECT c.id, c.household_id, c.area_code, c.person_id, c.field, c.given, c.status FROM conflict c
               WHERE c.household_id = $1 AND c.id = $2 FOR UPDATE""",
            household_id,
            conflict_id,
        )
        if row is None:
            return None
        given: Any = None if row["given"] is None else orjson.loads(row["given"])
        if row["field"] in MASKED_FIELDS and reach.unmasked:
            sealed = await self._connection.fetchval(
                "SELECT s.given_sealed FROM conflict_sealed s WHERE s.household_id = $1 AND s.id = $2",
                household_id,
                conflict_id,
            )
            given = self._sealing.cipher.open("conflict", "given_sealed", row["id"], sealed)
        return HeldConflict(
            id=row["id"],
            household_id=row["household_id"],
            area_code=row["area_code"],
            person_id=row["person_id"],
            field=row["field"],
            given=given,
            status=ConflictStatus(row["status"]),
        )

    async def resolve(
        self, reach: Reach, held: HeldConflict, choice: Choice, reason: str, *, now: datetime
    ) -> None:
        actor = reach.actor
        await self._connection.execute(
            """UPDATE conflict SET status = 'resolved', choice = $3, reason = $4, settled_by = $5, settled_agency = $6,
                 settled_at = $7 WHERE household_id = $1 AND id = $2""",
            held.household_id,
            held.id,
            choice,
            reason,
            actor.client_id,
            actor.agency,
            now,
        )
        changes: dict[str, object] = {"field": held.field, "choice": choice.value}
        trail = Trail(
            held.household_id, held.area_code, "conflict", held.id, "resolved", 1, None, changes
        )  # fmt: skip
        await leave(self._connection, actor, trail, now=now, new_id=self._new_id)
