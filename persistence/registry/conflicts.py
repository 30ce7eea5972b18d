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
_READABLE = """(SELECT household_id, id, area_code, person_id, field, stored, stored_source, stored_seen_on, given, given_source,
  given_seen_on, import_id, row_number, status, choice, reason, settled_by, settled_at, created_at FROM conflict)"""
"""Without what is sealed, which has a view of its own."""
_OF_PERSON = "FROM person{} p WHERE p.household_id = c.household_id AND p.id = c.person_id"
_PERSON, _SECRET = _OF_PERSON.format(""), _OF_PERSON.format("_sealed")
_STANDS = f"""CASE c.field WHEN 'last_name' THEN (SELECT to_jsonb(p.last_name) {_PERSON})
  WHEN 'birth_date' THEN (SELECT to_jsonb(p.birth_date) {_PERSON}) ELSE c.stored END"""
"""Of a masked field no value is kept beside the conflict: it is read from the person."""
_SEALED = f"""CASE WHEN c.field IN ({_HIDDEN}) THEN (SELECT row_to_json(x) FROM (SELECT
    (SELECT encode(s.given_sealed, 'hex') FROM conflict_sealed s WHERE s.household_id = c.household_id AND s.id = c.id)
      AS given,
    CASE c.field WHEN 'phone' THEN (SELECT encode(p.phone_sealed, 'hex') {_SECRET})
      WHEN 'citizen_id' THEN (SELECT encode(p.citizen_id_sealed, 'hex') {_SECRET}) END AS stored) x) END"""


def _columns(*, unmasked: bool) -> str:
    """Columns of a conflict `c`; unmasked also `sealed`, to be opened before the answer leaves."""
    masked = "false" if unmasked else f"c.field IN ({_HIDDEN})"
    return f"""c.id, c.household_id, c.person_id, c.field, {masked} AS masked,
  {_STANDS if unmasked else "c.stored"} AS stored, c.stored_source, c.stored_seen_on, c.given, c.given_source,
  c.given_seen_on, c.import_id, c.row_number, c.status, c.choice, {free_text("c.reason")}, c.settled_by, c.settled_at,
  c.created_at{f", {_SEALED} AS sealed" if unmasked else ""}"""


def _logged(seen: str, reach: Reach, new_id: UUID, now: datetime, binds: Binds) -> str:
    """A CTE that logs whose unmasked values are read, in the very statement that reads them: one row a household."""
    actor = reach.actor
    return f"""logged AS (
      INSERT INTO access_log (household_id, id, at, client_id, agency, purpose, person_ids, fields, request_id, area_code)
      SELECT c.household_id, {binds(new_id)}, {binds(now)}, {binds(actor.client_id)}, {binds(actor.agency)},
        {binds(actor.purpose)}, array_agg(DISTINCT c.person_id), array_agg(DISTINCT c.field), {binds(actor.request_id)},
        min(c.area_code)
      FROM {seen} c WHERE c.field IN ({_HIDDEN}) GROUP BY c.household_id)"""


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
        self, reach: Reach, household_id: UUID, where: ConflictFilter, paging: Paging, *, now: datetime
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
        if not reach.unmasked:
            # To an agency that may not see the value, a conflict over what it has brought would judge its guess.
            own = f"SELECT FROM import_job i WHERE i.id = c.import_id AND i.agency = {binds(reach.actor.agency)}"
            found.append(f"NOT (c.field IN ({_HIDDEN}) AND EXISTS ({own}))")
        source = Source(_READABLE, "c", _columns(unmasked=reach.unmasked))
        also = ", " + _logged("shown", reach, self._new_id(), now, binds) if reach.unmasked else ""
        listing = await fetch_page(
            self._connection, source, found, ORDERS[paging.sort], paging, binds, also=also
        )
        if not reach.unmasked:
            return listing
        items = [self._opened(one) for one in orjson.loads(listing.items)]
        return Listing(orjson.dumps(items), listing.last, listing.total)

    def _opened(self, one: dict[str, Any]) -> dict[str, Any]:
        """The conflict with what was sealed. Read as a whole: what a source has said may look like anything."""
        sealed = one.pop("sealed") or {}
        if sealed.get("given") is not None:
            one["given"] = self._given(one["id"], bytes.fromhex(sealed["given"]))
        if sealed.get("stored") is not None:
            text = bytes.fromhex(sealed["stored"])
            one["stored"] = self._sealing.cipher.open(
                "person", f"{one['field']}_sealed", one["person_id"], text
            )
        return one

    def _given(self, id: UUID | str, sealed: bytes) -> str:
        return self._sealing.cipher.open("conflict", "given_sealed", id, sealed)

    async def provenance(self, reach: Reach, household_id: UUID) -> Document | None:
        binds = Binds((household_id, reach.prefixes))
        seen = f"h.id = $1 AND {LIVE} AND {reached(reach, '$2', binds, alias='h', household='h.id')}"
        text = await self._connection.fetchval(f"{_PROVENANCE}{seen} AND {GATE}", *binds)
        return None if text is None else Document(text, 1)

    async def view(self, reach: Reach, conflict_id: UUID, *, now: datetime) -> Document | None:
        binds = Binds((conflict_id,))
        also = ", " + _logged("found", reach, self._new_id(), now, binds) if reach.unmasked else ""
        text = await self._connection.fetchval(
            f"""WITH found AS MATERIALIZED (SELECT c.* FROM {_READABLE} c WHERE c.id = $1){also}
            SELECT (SELECT row_to_json(t) FROM (SELECT {_columns(unmasked=reach.unmasked)}) t) FROM found c WHERE {GATE}""",
            *binds,
        )
        if text is None:
            return None
        return Document(orjson.dumps(self._opened(orjson.loads(text))) if reach.unmasked else text, 1)

    async def hold(
        self, reach: Reach, household_id: UUID, conflict_id: UUID, *, opened: bool
    ) -> HeldConflict | None:
        row = await self._connection.fetchrow(
            f"""SELECT c.id, c.household_id, c.area_code, c.person_id, c.field, c.given, c.status, c.choice,
                 c.settled_by, c.chosen_hash FROM conflict c
               WHERE c.household_id = $1 AND c.id = $2 AND c.area_code ^@ ANY($3::text[])
                 AND EXISTS (SELECT FROM household h WHERE h.id = c.household_id AND {LIVE}) FOR UPDATE""",
            household_id,
            conflict_id,
            reach.prefixes,
        )
        if row is None:
            return None
        given = None if row["given"] is None else orjson.loads(row["given"])
        if row["field"] in MASKED_FIELDS and opened:
            text = await self._connection.fetchval(
                f"""SELECT row_to_json(t) FROM (SELECT c.id, c.person_id, c.field, c.given, {_SEALED} AS sealed
                  FROM conflict c WHERE c.household_id = $1 AND c.id = $2) t""",
                household_id,
                conflict_id,
            )
            given = self._opened(orjson.loads(text))["given"]
        return HeldConflict(
            id=row["id"],
            household_id=row["household_id"],
            area_code=row["area_code"],
            person_id=row["person_id"],
            field=row["field"],
            given=given,
            status=ConflictStatus(row["status"]),
            choice=None if row["choice"] is None else Choice(row["choice"]),
            settled_by=row["settled_by"],
            chosen_hash=row["chosen_hash"],
        )

    def hashed(self, held: HeldConflict, said: str) -> bytes:
        return self._sealing.content.of(f"conflict|{held.id}|{said}")

    async def resolve(
        self,
        reach: Reach,
        held: HeldConflict,
        choice: Choice,
        reason: str,
        *,
        chosen: bytes | None,
        now: datetime,
    ) -> None:
        actor = reach.actor
        await self._connection.execute(
            """UPDATE conflict SET status = 'resolved', choice = $3, reason = $4, settled_by = $5, settled_agency = $6,
                 settled_at = $7, chosen_hash = $8 WHERE household_id = $1 AND id = $2""",
            held.household_id,
            held.id,
            choice,
            reason,
            actor.client_id,
            actor.agency,
            now,
            chosen,
        )
        changes: dict[str, object] = {"field": held.field, "choice": choice.value}
        trail = Trail(
            held.household_id, held.area_code, "conflict", held.id, "resolved", 1, None, changes
        )  # fmt: skip
        await leave(self._connection, actor, trail, now=now, new_id=self._new_id)
