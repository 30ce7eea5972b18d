"""Assistance events on one connection."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.access.policy import Reach
from domain.assistance.event import EventDraft, EventFilter
from domain.assistance.store import Recorded
from domain.kernel import Document, Listing, Paging
from persistence.assistance import queue
from persistence.assistance.recording import RECORD
from persistence.assistance.views import COLUMNS
from persistence.bounds import GATE
from persistence.engine import Connection
from persistence.keyset import ORDERS, Source, fetch_page
from persistence.masking import of_agency
from persistence.sealing import Sealing
from persistence.sql import Binds, or_granted, within

_SOURCE = Source("assistance_event", "ev", COLUMNS)


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
            if row[0] != "raced":
                return Recorded(row[0], row[1] or await self._waiting(reach, draft), row[2])

    async def _waiting(self, reach: Reach, draft: EventDraft) -> bytes:
        """A retried event that still waits in the queue."""
        return await queue.waiting(self._connection, reach.actor.agency, "external_id", draft.external_id)

    async def queue(self, reach: Reach, event_id: UUID, draft: EventDraft, *, now: datetime) -> Recorded:
        hashed = self.content_hash(draft)
        return await queue.put(self._connection, self._sealing, reach, event_id, draft, hashed, now=now)

    async def link_queued(self, reach: Reach, household_id: UUID, *, now: datetime) -> int:
        return await queue.link(self._connection, household_id, now=now)

    async def receipt(self, reach: Reach, event_id: UUID) -> Document | None:
        binds = Binds((event_id,))
        conditions = ["ev.id = $1", *_opened(reach, binds)]
        text = await self._connection.fetchval(
            f"""SELECT (SELECT row_to_json(t) FROM (SELECT ev.id AS event_id,
              {of_agency("ev.external_id", "ev.agency")}, ev.household_id, ev.status,
              ev.recorded_at, ev.linked_at) t) FROM assistance_event ev WHERE {" AND ".join(conditions)} AND {GATE}""",
            *binds,
        )
        if text is None:
            text = await queue.receipt(self._connection, reach.actor.agency, event_id)
        return None if text is None else Document(text, 1)

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
        content = draft.model_dump(mode="json", exclude={"on_unknown"})
        if draft.household.citizen_id is not None:
            content["household"]["citizen_id"] = self._sealing.content.of(draft.household.citizen_id).hex()
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()

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
            draft.assignment_id,
            draft.problem_ids,
            draft.beneficiaries,
            draft.menu_code,
            draft.reason_no_problem,
            draft.plan_activity_id,
            draft.dimension.value,
            draft.assistance_type.value,
            draft.description,
            draft.provided_on,
            draft.value_baht,
            draft.quantity,
            draft.unit,
            draft.budget_source,
            draft.project_code,
            [one.model_dump(mode="json") for one in draft.evidence],
            draft.obstacle,
            draft.suggestion,
            now,
            reach.actor.client_id,
            reach.actor.request_id,
            self._new_id(),
            self._new_id(),
        )

    async def view(self, reach: Reach, event_id: UUID) -> Document | None:
        found = await self._one(reach, "ev.id = $1", event_id)
        return found or await self._queued(reach, "id", event_id)

    async def by_external_id(self, reach: Reach, external_id: str) -> Document | None:
        found = (
            "(ev.household_id, ev.id) = (SELECT k.household_id, k.event_id FROM event_key k"
            " WHERE k.agency = $2 AND k.external_id = $1)"
        )
        one = await self._one(reach, found, external_id, reach.actor.agency)
        return one or await self._queued(reach, "external_id", external_id)

    async def _one(self, reach: Reach, found: str, *values: Any) -> Document | None:
        binds = Binds(values)
        conditions = [found, *_opened(reach, binds)]
        text = await self._connection.fetchval(
            f"""SELECT (SELECT row_to_json(t) FROM (SELECT {COLUMNS}) t)
            FROM assistance_event ev WHERE {" AND ".join(conditions)} AND {GATE}""",
            *binds,
        )
        return None if text is None else Document(text, 1)

    async def _queued(self, reach: Reach, column: str, value: Any) -> Document | None:
        """An event that waits for its household is its agency's to see."""
        text = await queue.waiting(self._connection, reach.actor.agency, column, value)
        return Document(text, 1) if text else None

    async def page(self, reach: Reach, where: EventFilter, paging: Paging) -> Listing:
        binds = Binds()
        own = _opened(reach, binds) if where.household_id else _reached(reach, binds)
        conditions = [*own, *_conditions(where, binds)]
        return await fetch_page(self._connection, _SOURCE, conditions, ORDERS[paging.sort], paging, binds)


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
