"""The registry as a chunk of rows meets it, on one connection in a transaction."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from operator import itemgetter
from uuid import UUID

import asyncpg

from domain.exchange.importing.job import Job
from domain.exchange.importing.state import Found, Identity, Plan
from domain.exchange.importing.store import Raced
from domain.exchange.reading.rows import CleanRow
from persistence.engine import Connection
from persistence.exchange.imports.finding import find
from persistence.exchange.imports.writing import CLAIM, dumped, write
from persistence.sealing import Sealing


class PgIntake:
    """Implements `IntakeStore`."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._connection, self._sealing, self._new_id = connection, sealing, new_id

    async def places(self) -> Collection[str]:
        rows = await self._connection.fetch(
            "SELECT a.code FROM area a WHERE length(a.code) <= 6 AND a.abolished_on IS NULL"
        )
        return frozenset(row[0] for row in rows)

    async def find(self, job: Job, rows: Sequence[CleanRow], *, results: bool) -> Found:
        return await find(self._connection, self._sealing, job, rows, results=results)

    async def claim(self, identities: Sequence[Identity], *, keep: bool) -> Collection[str]:
        if not identities:
            return ()
        taken: Collection[str] = ()
        try:
            async with self._connection.transaction():
                taken = await self._claim(identities)
                if taken or not keep:
                    raise _Undone
        except _Undone:
            pass
        return taken

    async def _claim(self, identities: Sequence[Identity]) -> Collection[str]:
        every = self._sealing.index.every
        rows = [
            {
                "blind_index": f"\\x{blind.hex()}",
                "key_id": key_id,
                "person_id": one.person.id,
                "household_id": one.person.household.id,
                "area_code": one.person.household.area_code,
            }
            for one in identities
            for key_id, blind in every(one.citizen_id).items()
        ]
        # In one order for all writers: of two that register the same persons one waits, and none in a circle.
        rows.sort(key=itemgetter("blind_index"))
        # Somebody else's under any of the keys is somebody else's.
        others = {row[0] for row in await self._connection.fetch(CLAIM, dumped(rows))}
        return [one.citizen_id for one in identities if one.person.id in others] if others else ()

    async def write(self, job: Job, plan: Plan, *, now: datetime) -> None:
        await write(self._connection, self._sealing, self._new_id, job, plan, now=now)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        try:
            async with self._connection.transaction():
                yield
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            raise Raced from None


class _Undone(Exception):
    """Rolls a savepoint back."""
