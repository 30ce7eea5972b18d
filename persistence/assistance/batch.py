"""Batches of assistance events on one connection: which of them are the same, and what becomes of each."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from domain.access.policy import Reach
from domain.assistance.event import EventDraft, OnUnknown
from domain.assistance.store import Judged
from persistence.assistance import departed, queue
from persistence.assistance.events import PgEvents
from persistence.assistance.recording_many import Kind, judge_sql, record_sql
from persistence.engine import Connection
from persistence.sealing import Sealing

_GOOD = ("created", "queued")
_RACED = Judged("raced")
"""Another writer was quicker: its record will be found."""


class _Item(NamedTuple):
    id: UUID
    content_hash: bytes
    draft: EventDraft


class PgBatches:
    """Implements `BatchStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id
        self._hash = PgEvents(connection, sealing, new_id).content_hash

    async def judge(self, reach: Reach, drafts: Sequence[EventDraft]) -> Sequence[Judged]:
        async def run(kind: Kind, items: Sequence[_Item]) -> Sequence[Any]:
            columns = self._columns(items, kind, queue_row=lambda _: None)
            sql = judge_sql(kind)
            return await self._connection.fetch(sql, reach.actor.agency, reach.prefixes, len(items), *columns)

        items, places = self._distinct(drafts)
        return _in_order(await self._found(reach, items, await _settled(run, items)), items, places)

    async def record(self, reach: Reach, drafts: Sequence[EventDraft], *, now: datetime) -> Sequence[Judged]:
        actor = reach.actor

        def queue_row(item: _Item) -> str:
            return orjson.dumps(queue.row(item.id, actor.agency, item.draft, now)).decode()

        async def run(kind: Kind, items: Sequence[_Item]) -> Sequence[Any]:
            columns = self._columns(items, kind, queue_row=queue_row)
            bound = (
                actor.agency,
                reach.prefixes,
                now,
                actor.client_id,
                actor.request_id,
                len(items),
                *columns,
            )
            if len({item.draft.external_id for item in items}) == len(items):
                with suppress(asyncpg.UniqueViolationError):
                    async with self._connection.transaction():
                        return await self._connection.fetch(record_sql(kind._replace(plainly=True)), *bound)
            return await self._connection.fetch(record_sql(kind), *bound)

        items, places = self._distinct(drafts)
        if any(_may_wait(item.draft) for item in items):
            await self._hold(items)
        return _in_order(await self._found(reach, items, await _settled(run, items)), items, places)

    async def _found(self, reach: Reach, items: Sequence[_Item], judged: list[Judged]) -> list[Judged]:
        """With what was recorded where the caller does not reach: a duplicate of its own agency's, or nothing."""
        if not any(one.verdict == "elsewhere" for one in judged):
            return judged
        names = [item.draft.external_id for item in items]
        asked = [name for name, one in zip(names, judged, strict=True) if one.verdict == "elsewhere"]
        known = await departed.known(self._connection, reach, asked)
        return [
            one
            if one.verdict != "elsewhere"
            else Judged("duplicate", known[name])
            if name in known
            else Judged("unknown-household")
            for name, one in zip(names, judged, strict=True)
        ]

    async def _hold(self, items: Sequence[_Item]) -> None:
        """Nobody registers a household meanwhile that one of them might have to wait for."""
        named = [item.draft.household for item in items if item.draft.on_unknown is OnUnknown.REGISTER]
        await queue.hold(
            self._connection,
            [self._sealing.index.of(one.citizen_id) for one in named if one.citizen_id is not None],
            [one.house_code for one in named if one.house_code is not None],
        )

    def _distinct(self, drafts: Sequence[EventDraft]) -> tuple[list[_Item], list[int]]:
        """Each event once, sorted by external id, and for each draft which of them it is. Ids are in the drafts' order."""
        items: dict[tuple[str, bytes], _Item] = {}
        keys = [(draft.external_id, self._hash(draft)) for draft in drafts]
        for key, draft in zip(keys, drafts, strict=True):
            if key not in items:
                items[key] = _Item(self._new_id(), key[1], draft)
        order = sorted(items, key=itemgetter(0))
        places = {key: at for at, key in enumerate(order)}
        return [items[key] for key in order], [places[key] for key in keys]

    def _columns(
        self, items: Sequence[_Item], kind: Kind, *, queue_row: Callable[[_Item], str | None]
    ) -> list[list[Any]]:
        """The arrays of the items, in the order of `_ITEM` and `_QUEUE`."""
        drafts = [item.draft for item in items]
        refs = [draft.household for draft in drafts]
        index = self._sealing.index
        columns: list[list[Any]] = [
            [item.id for item in items],
            [draft.external_id for draft in drafts],
            [item.content_hash for item in items],
            [ref.id for ref in refs],
            [ref.house_code for ref in refs],
            [None if ref.citizen_id is None else index.of(ref.citizen_id) for ref in refs],
            [draft.assignment_id for draft in drafts],
            [_array(draft.problem_ids) for draft in drafts],
            [_array(draft.beneficiaries) for draft in drafts],
            [draft.menu_code for draft in drafts],
            [draft.reason_no_problem for draft in drafts],
            [draft.plan_activity_id for draft in drafts],
            [draft.dimension.value for draft in drafts],
            [draft.assistance_type.value for draft in drafts],
            [draft.description for draft in drafts],
            [draft.provided_on for draft in drafts],
            [draft.value_baht for draft in drafts],
            [draft.quantity for draft in drafts],
            [draft.unit for draft in drafts],
            [draft.budget_source for draft in drafts],
            [draft.project_code for draft in drafts],
            [_evidence(draft) for draft in drafts],
            [draft.obstacle for draft in drafts],
            [draft.suggestion for draft in drafts],
        ]
        if kind.queueing:
            waits = [_may_wait(draft) for draft in drafts]
            columns += [
                waits,
                [self._sealed(item) if may else None for item, may in zip(items, waits, strict=True)],
                [queue_row(item) if may else None for item, may in zip(items, waits, strict=True)],
            ]
        # What no item has is sent as an empty array: rows are filled up with nulls.
        return [[] if all(one is None for one in column) else column for column in columns]

    def _sealed(self, item: _Item) -> bytes | None:
        citizen_id = item.draft.household.citizen_id
        if citizen_id is None:
            return None
        return self._sealing.cipher.seal("queued_event", "citizen_id_sealed", item.id, citizen_id)


async def _settled(
    run: Callable[[Kind, Sequence[_Item]], Awaitable[Sequence[Any]]], items: Sequence[_Item]
) -> list[Judged]:
    """The verdict on each item, from one run, unless others were quicker or an id is that of a merged household."""
    judged = [_RACED] * len(items)
    left, merged = list(range(len(items))), False
    while left:
        again = [items[at] for at in left]
        kind = _kind([item.draft for item in again], merged=merged)
        for at, row in zip(left, await run(kind, again), strict=True):
            judged[at] = _RACED if row[0] == "raced" else Judged(*row)
        missing = () if kind.named != ("id",) else ("unknown-household",)
        left = [at for at in left if judged[at] is _RACED or judged[at].verdict in missing]
        merged = merged or bool(missing)
    return judged


def _kind(drafts: Sequence[EventDraft], *, merged: bool) -> Kind:
    refs = [draft.household for draft in drafts]
    named = ["id"] if any(ref.id is not None for ref in refs) else []
    named += ["house_code"] if any(ref.house_code is not None for ref in refs) else []
    named += ["citizen_id"] if any(ref.citizen_id is not None for ref in refs) else []
    if "id" in named and (merged or len(named) > 1):
        named.append("merged")
    helping = any(draft.assignment_id is not None for draft in drafts)
    return Kind(tuple(named), any(map(_may_wait, drafts)), helping)


def _may_wait(draft: EventDraft) -> bool:
    """Only a house code or a citizen id can ever be found."""
    return draft.on_unknown is OnUnknown.REGISTER and draft.household.id is None


def _array(ids: Sequence[UUID]) -> str | None:
    return f"{{{','.join(map(str, ids))}}}" if ids else None


def _evidence(draft: EventDraft) -> str | None:
    if not draft.evidence:
        return None
    return orjson.dumps([one.model_dump(mode="json") for one in draft.evidence]).decode()


def _in_order(judged: Sequence[Judged], items: Sequence[_Item], places: Sequence[int]) -> list[Judged]:
    """For each draft its verdict: what is repeated is a duplicate, and what differs from the first a conflict."""
    judged = list(judged)
    written: set[str] = set()
    for at, item in enumerate(items):
        if judged[at].verdict in _GOOD:
            # Only what was judged without being written: of what was written, the database tells.
            if item.draft.external_id in written:
                judged[at] = Judged("external-id-conflict")
            written.add(item.draft.external_id)
    told: set[int] = set()
    found = []
    for at in places:
        one = judged[at]
        found.append(Judged("duplicate", one.id) if at in told and one.verdict in _GOOD else one)
        told.add(at)
    return found
