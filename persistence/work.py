"""The unit of work on PostgreSQL: every store on one connection."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from persistence.access.clients import PgClients
from persistence.assistance.events import PgEvents
from persistence.casework.analyses import PgAnalyses
from persistence.casework.assignments import PgAssignments
from persistence.casework.menus import PgMenus
from persistence.casework.problems import PgProblems
from persistence.engine import Connection, Database, Lease
from persistence.exchange.idempotency import PgIdempotency
from persistence.reference.store import PgReference
from persistence.registry.households import PgHouseholds
from persistence.registry.persons import PgPersons
from persistence.sealing import Sealing


class PgWork:
    """Implements `UnitOfWork`; a store holds nothing but the connection, and is made when it is asked for."""

    def __init__(self, connection: Connection, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self.connection, self._sealing, self.new_id = connection, sealing, new_id

    @property
    def households(self) -> PgHouseholds:
        return PgHouseholds(self.connection, self._sealing, self.new_id)

    @property
    def persons(self) -> PgPersons:
        return PgPersons(self.connection, self._sealing, self.new_id)

    @property
    def problems(self) -> PgProblems:
        return PgProblems(self.connection, self.new_id)

    @property
    def analyses(self) -> PgAnalyses:
        return PgAnalyses(self.connection, self.new_id)

    @property
    def assignments(self) -> PgAssignments:
        return PgAssignments(self.connection, self.new_id)

    @property
    def menus(self) -> PgMenus:
        return PgMenus(self.connection, self.new_id)

    @property
    def events(self) -> PgEvents:
        return PgEvents(self.connection, self._sealing, self.new_id)

    @property
    def reference(self) -> PgReference:
        return PgReference(self.connection, self.new_id)

    @property
    def clients(self) -> PgClients:
        return PgClients(self.connection, self.new_id)

    @property
    def idempotency(self) -> PgIdempotency:
        return PgIdempotency(self.connection, self._sealing)


class WorkFactory:
    """Hands out units of work: reads in autocommit, writes in one transaction."""

    def __init__(self, database: Database, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._database, self._sealing, self._new_id = database, sealing, new_id

    def reading(self) -> "Reading":
        return Reading(self._database.reading(), self._sealing, self._new_id)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[PgWork]:
        async with self._database.writing() as connection:
            yield PgWork(connection, self._sealing, self._new_id)


class Reading:
    """`async with` around a unit of work in autocommit."""

    __slots__ = ("_lease", "_new_id", "_sealing")

    def __init__(self, lease: Lease, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._lease, self._sealing, self._new_id = lease, sealing, new_id

    async def __aenter__(self) -> PgWork:
        return PgWork(await self._lease.__aenter__(), self._sealing, self._new_id)

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        await self._lease.__aexit__(kind, *rest)
