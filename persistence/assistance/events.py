"""Assistance events on one connection."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from domain.access.policy import Reach
from domain.assistance.event import EventDraft, EventFilter
from domain.assistance.store import Recorded
from domain.kernel import Document, Listing, Paging
from persistence.assistance import departed, queue
from persistence.assistance.recording import RECORD, said
from persistence.assistance.views import COLUMNS, RECEIPT
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.sealing import Sealing
from persistence.sql import Binds, or_granted, within

_SOURCE = Source("assistance_event", "ev", COLUMNS)

_CONFIRM = """WITH confirmed AS (
    UPDATE assistance_event ev SET status = 'confirmed', confirmed_at = $3, version = ev.version + 1
    WHERE ev.household_id = $1 AND ev.assignment_id = $2 AND ev.status = 'recorded'
    RETURNING ev.household_id, ev.id, ev.area_code, ev.agency, ev.version),
  fed AS (
    INSERT INTO change (household_id, id, area_code, type, resource_id, action, version, agency, occurred_at)
    SELECT household_id, gen_random_uuid(), area_code, 'assistance_event', id, 'updated', version, agency, $3 FROM confirmed),
  audited AS (
    INSERT INTO audit (household_id, id, at, client_id, agency, request_id, operation, resource, area_code)
    SELECT household_id, gen_random_uuid(), $3, $4, $5, $6, 'assistance_event.confirmed', id::text, area_code FROM confirmed)
  SELECT count(*) FROM confirmed"""


class PgEvents:
    """Implements `EventStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def record(self, reach: Reach, event_id: UUID, draft: EventDraft, *, now: datetime) -> Recorded:
        by, household = self._named(draft)
        values = self._values(reach, event_id, draft, household, now)
        while True:
            row = await self._connection.fetchrow(RECORD[by], *values)
            assert row is not None
            # A twin won the key while this statement waited; it is committed now, and will be found.
            if row[0] == "elsewhere":
                first = await departed.first(self._connection, reach, draft)
                return Recorded("duplicate", first, row[2]) if first else Recorded("unknown-household")
            if row[0] != "raced":
                text = row[1] or b""
                if row[0] == "duplicate" and not text:
                    # It still waits in the queue.
                    text = await queue.first(self._connection, reach.actor.agency, draft.external_id)
                return Recorded(row[0], text, row[2])

    async def queue(self, reach: Reach, event_id: UUID, draft: EventDraft, *, now: datetime) -> Recorded:
        by, household = self._named(draft)
        if by != "id":
            indexes, codes = ([household], []) if by == "citizen_id" else ([], [household])
            await queue.hold(self._connection, indexes, codes)
            # Whoever registered it while this one came here has committed: now it is there, or not to come.
            again = await self.record(reach, event_id, draft, now=now)
            if again.verdict != "unknown-household":
                return again
        hashed = self.content_hash(draft)
        return await queue.put(self._connection, self._sealing, reach, event_id, draft, hashed, now=now)

    async def link_queued(self, reach: Reach, household_id: UUID, *, now: datetime) -> int:
        return await queue.link(self._connection, household_id, now=now)

    async def receipt(self, reach: Reach, event_id: UUID) -> Document | None:
        binds = Binds((event_id, reach.actor.agency))
        gone = departed.receipt("$2", "$1", f"{binds(reach.prefixes)}::text[]")
        waiting = f"coalesce({queue.receipt('$2', '$1')}, {gone})"
        return await self._one(RECEIPT, ["ev.id = $1", *_opened(reach, binds)], waiting, binds)

    async def confirm(self, reach: Reach, household_id: UUID, assignment_id: UUID, *, now: datetime) -> int:
        actor = reach.actor
        count: int = await self._connection.fetchval(
            _CONFIRM, household_id, assignment_id, now, actor.client_id, actor.agency, actor.request_id
        )
        return count

    def _named(self, draft: EventDraft) -> tuple[str, Any]:
        ref = draft.household
        if ref.id is not None:
            return "id", ref.id
        if ref.house_code is not None:
            return "house_code", ref.house_code
        assert ref.citizen_id is not None
        return "citizen_id", self._sealing.index.of(ref.citizen_id)

    def content_hash(self, draft: EventDraft) -> bytes:
        """What "the same content" means: everything but `on_unknown`, the citizen id by a hash of its own."""
        # As model_dump(mode="json") has it, in half the time: a batch asks for a thousand.
        content = {**draft.__dict__, "household": {**draft.household.__dict__}}
        del content["on_unknown"]
        if draft.value_baht is not None:
            content["value_baht"] = f"{draft.value_baht:.2f}"
        if draft.quantity is not None:
            content["quantity"] = float(draft.quantity)
        if draft.household.citizen_id is not None:
            content["household"]["citizen_id"] = self._sealing.content.of(draft.household.citizen_id).hex()
        return hashlib.sha256(orjson.dumps(content, _fields, orjson.OPT_SORT_KEYS)).digest()

    def _values(
        self, reach: Reach, event_id: UUID, draft: EventDraft, household: Any, now: datetime
    ) -> tuple[Any, ...]:
        return (
            event_id,
            reach.actor.agency,
            draft.external_id,
            self.content_hash(draft),
            reach.prefixes,
            household,
            *said(draft),
            now,
            reach.actor.client_id,
            reach.actor.request_id,
            self._new_id(),
            self._new_id(),
        )

    async def view(self, reach: Reach, event_id: UUID) -> Document | None:
        binds = Binds((event_id, reach.actor.agency))
        return await self._one(
            COLUMNS, ["ev.id = $1", *_opened(reach, binds)], queue.by_id("$2", "$1"), binds
        )

    async def by_external_id(self, reach: Reach, external_id: str) -> Document | None:
        binds = Binds((external_id, reach.actor.agency))
        # The key names the first version, and knows the household; of its versions the newest has no successor.
        found = (
            "ev.household_id = (SELECT k.household_id FROM event_key k WHERE k.agency = $2 AND k.external_id = $1)"
            " AND ev.agency = $2 AND ev.external_id = $1 AND ev.superseded_by IS NULL"
        )
        waiting = queue.by_external_id("$2", "$1")
        return await self._one(COLUMNS, [found, *_opened(reach, binds)], waiting, binds)

    async def _one(
        self, columns: str, conditions: Sequence[str], waiting: str, binds: Binds
    ) -> Document | None:
        """One event, or else the agency's own that waits for its household: in one statement, for it may be
        linked at any moment."""
        text = await self._connection.fetchval(
            f"""SELECT coalesce((SELECT (SELECT row_to_json(t) FROM (SELECT {columns}) t)
              FROM assistance_event ev WHERE {" AND ".join(conditions)}), {waiting}) WHERE {GATE}""",
            *binds,
        )
        return None if text is None else Document(text, orjson.loads(text).get("version", 1))

    async def page(self, reach: Reach, where: EventFilter, paging: Paging) -> Listing:
        binds = Binds()
        own = _opened(reach, binds) if where.household_id else _reached(reach, binds)
        conditions = [*own, *_conditions(where, binds)]
        return await fetch_page(self._connection, _SOURCE, conditions, ORDERS[paging.sort], paging, binds)


def _fields(value: BaseModel) -> dict[str, Any]:
    return value.__dict__


def _reached(reach: Reach, binds: Binds) -> list[str]:
    """Who sees an event: with every household, its area's; otherwise the agency that gave it."""
    conditions = []
    if inside := within("ev.area_code", reach.prefixes, binds):
        conditions.append(inside)
    if reach.assigned_to is not None:
        conditions.append(f"ev.agency = {binds(reach.assigned_to)}")
    return conditions


def _opened(reach: Reach, binds: Binds) -> list[str]:
    """The same, and those of a household that a grant has opened."""
    found = _reached(reach, binds)
    return [or_granted(reach, " AND ".join(found), binds, household="ev.household_id")] if found else []


def _conditions(where: EventFilter, binds: Binds) -> list[str]:
    found: list[str] = []
    if where.area and (inside := within("ev.area_code", where.area, binds)):
        found.append(inside)
    if where.household_id:
        found.append(f"ev.household_id = ANY({binds(where.household_id)}::uuid[])")
    for column, values in (
        ("agency", where.agency),
        ("dimension", where.dimension),
        ("assistance_type", where.assistance_type),
        ("status", where.status),
    ):
        if values:
            found.append(f"ev.{column} = ANY({binds(list(values))}::text[])")
    for test, value in (
        ("ev.provided_on >=", where.provided_from),
        ("ev.provided_on <=", where.provided_to),
        ("ev.recorded_at >=", where.recorded_since),
    ):
        if value is not None:
            found.append(f"{test} {binds(value)}")
    return found
