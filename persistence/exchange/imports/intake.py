"""The registry as a chunk of rows meets it, on one connection."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.exchange.importing.job import Job, Reported
from domain.exchange.importing.state import Carried, Found, Plan, Sought
from domain.exchange.importing.store import Raced
from domain.exchange.reading.rows import CleanRow
from persistence.engine import Connection
from persistence.exchange.imports.finding import find, sought
from persistence.exchange.imports.preparing import Prepared, Preparing
from persistence.exchange.imports.statements import CLAIM
from persistence.exchange.imports.writing import write
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

    def sought(self, job: Job, rows: Sequence[CleanRow]) -> Sought:
        return sought(self._sealing, job, rows)

    async def find(self, job: Job, what: Sought, ahead: Carried, *, results: bool) -> Found:
        return await find(self._connection, self._sealing, job, what, ahead, results=results)

    def prepare(
        self, job: Job, what: Sought, plan: Plan, reported: Sequence[Reported], *, now: datetime
    ) -> Prepared:
        return Preparing(self._sealing, self._new_id, job, what.blinds, now=now).prepare(plan, reported)

    async def claim(self, prepared: Prepared, *, keep: bool) -> Collection[str]:
        if not prepared.identities:
            return ()
        taken: Collection[str] = ()
        try:
            async with self._connection.transaction():
                # Somebody else's under any of the keys is somebody else's.
                others = {row[0] for row in await self._connection.fetch(CLAIM, prepared.identities)}
                taken = [prepared.citizen_ids[person_id] for person_id in others]
                if taken or not keep:
                    raise _Undone
        except _Undone:
            pass
        return taken

    async def write(self, prepared: Prepared, *, now: datetime) -> Collection[str]:
        return [prepared.citizen_ids[id] for id in await write(self._connection, prepared, now=now)]

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        try:
            async with self._connection.transaction():
                yield
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            raise Raced from None


class _Undone(Exception):
    """Rolls a savepoint back."""
