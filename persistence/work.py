"""The unit of work on PostgreSQL: every store on one connection."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from domain.access.actor import Actor
from persistence.access.clients import PgClients
from persistence.access.grants import PgGrants
from persistence.access.log import PgAccessLog
from persistence.assistance.batch import PgBatches
from persistence.assistance.checks import PgChecks
from persistence.assistance.corrections import PgCorrections
from persistence.assistance.events import PgEvents
from persistence.assistance.waiting import PgQueue
from persistence.bounds import Bounded, bind, bounds_of
from persistence.casework.analyses import PgAnalyses
from persistence.casework.assignments import PgAssignments
from persistence.casework.menus import PgMenus
from persistence.casework.problems import PgProblems
from persistence.engine import Connection, Database, Lease, Own
from persistence.exchange.changes import PgChanges
from persistence.exchange.deliveries import PgDeliveries
from persistence.exchange.exports import PgExports
from persistence.exchange.idempotency import PgIdempotency
from persistence.exchange.imports.intake import PgIntake
from persistence.exchange.imports.jobs import PgImports
from persistence.exchange.outbox import PgOutbox
from persistence.exchange.webhooks import PgWebhooks
from persistence.reference.store import PgReference
from persistence.registry.conflicts import PgConflicts
from persistence.registry.history import PgHistory
from persistence.registry.households import PgHouseholds
from persistence.registry.members import PgMembers
from persistence.registry.merges import PgMerges
from persistence.registry.moves import PgMoves
from persistence.registry.persons import PgPersons
from persistence.registry.target_groups import PgTargetGroups
from persistence.sealing import Sealing


class PgWork:
    """Implements `UnitOfWork`; a store holds nothing but the connection, and is made when it is asked for."""

    def __init__(
        self,
        connection: Connection,
        sealing: Sealing,
        new_id: Callable[[], UUID],
        *,
        plain: Connection | None = None,
    ) -> None:
        """`plain` is the connection without bounds, for what has no area; `connection` itself by default."""
        self.connection, self._sealing, self.new_id = connection, sealing, new_id
        self._plain = connection if plain is None else plain

    @property
    def households(self) -> PgHouseholds:
        return PgHouseholds(self.connection, self._sealing, self.new_id)

    @property
    def persons(self) -> PgPersons:
        return PgPersons(self.connection, self._sealing, self.new_id)

    @property
    def members(self) -> PgMembers:
        return PgMembers(self.connection, self._sealing, self.new_id)

    @property
    def moves(self) -> PgMoves:
        return PgMoves(self.connection, self.new_id)

    @property
    def merges(self) -> PgMerges:
        return PgMerges(self.connection, self.new_id)

    @property
    def history(self) -> PgHistory:
        return PgHistory(self.connection)

    @property
    def target_groups(self) -> PgTargetGroups:
        return PgTargetGroups(self.connection)

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
        return PgMenus(self._plain, self.new_id)

    @property
    def events(self) -> PgEvents:
        return PgEvents(self.connection, self._sealing, self.new_id)

    @property
    def batches(self) -> PgBatches:
        return PgBatches(self.connection, self._sealing, self.new_id)

    @property
    def corrections(self) -> PgCorrections:
        return PgCorrections(self.connection, self._sealing, self.new_id)

    @property
    def checks(self) -> PgChecks:
        return PgChecks(self.connection, self._sealing)

    @property
    def queue(self) -> PgQueue:
        return PgQueue(self.connection, self._sealing)

    @property
    def reference(self) -> PgReference:
        return PgReference(self._plain, self.new_id)

    @property
    def clients(self) -> PgClients:
        return PgClients(self._plain, self.new_id)

    @property
    def access_log(self) -> PgAccessLog:
        return PgAccessLog(self.connection)

    @property
    def grants(self) -> PgGrants:
        return PgGrants(self.connection, self.new_id)

    @property
    def changes(self) -> PgChanges:
        return PgChanges(self.connection)

    @property
    def webhooks(self) -> PgWebhooks:
        return PgWebhooks(self.connection, self._sealing, self.new_id)

    @property
    def deliveries(self) -> PgDeliveries:
        return PgDeliveries(self.connection, self.new_id)

    @property
    def outbox(self) -> PgOutbox:
        return PgOutbox(self.connection, self._sealing)

    @property
    def exports(self) -> PgExports:
        return PgExports(self.connection, self._sealing, self.new_id)

    @property
    def imports(self) -> PgImports:
        return PgImports(self.connection, self._plain, self._sealing, self.new_id)

    @property
    def intake(self) -> PgIntake:
        return PgIntake(self.connection, self._sealing, self.new_id)

    @property
    def conflicts(self) -> PgConflicts:
        return PgConflicts(self.connection, self._sealing, self.new_id)

    @property
    def idempotency(self) -> PgIdempotency:
        return PgIdempotency(self._plain, self._sealing)


class WorkFactory:
    """Hands out units of work: reads in autocommit, writes in one transaction."""

    def __init__(self, database: Database, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._database, self._sealing, self._new_id = database, sealing, new_id

    def reading(self, actor: Actor | None = None) -> "Reading":
        """Within what `actor` may see; without one, nothing of any household."""
        return Reading(self._database.reading(), self._sealing, self._new_id, actor)

    @asynccontextmanager
    async def writing(self, actor: Actor | None = None) -> AsyncIterator[PgWork]:
        async with self._database.writing() as connection:
            if actor is not None:
                await bind(connection, bounds_of(actor)._replace(granted=False))
            yield PgWork(connection, self._sealing, self._new_id)

    @asynccontextmanager
    async def lasting(self, actor: Actor | None = None, *, snapshot: bool = False) -> AsyncIterator[PgWork]:
        """One long transaction within the same bounds, on a connection of its own without deadlines.

        With `snapshot` it reads one state of the database throughout, and writes nothing.
        """
        async with self._database.lasting(snapshot=snapshot) as connection:
            if actor is not None:
                await bind(connection, bounds_of(actor)._replace(granted=False))
            yield PgWork(connection, self._sealing, self._new_id)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator["Alone"]:
        async with self._database.own(by_key=True) as own:
            yield Alone(own, self._sealing, self._new_id)


class Alone:
    """Transactions one after the other on a connection that nobody else has."""

    def __init__(self, own: Own, sealing: Sealing, new_id: Callable[[], UUID]) -> None:
        self._own, self._sealing, self._new_id = own, sealing, new_id
        self.plain = PgWork(own.connection, sealing, new_id)

    def reading(self, actor: Actor) -> PgWork:
        plain = self._own.connection
        return PgWork(Bounded(plain, bounds_of(actor)), self._sealing, self._new_id, plain=plain)

    @asynccontextmanager
    async def writing(self, actor: Actor) -> AsyncIterator[PgWork]:
        async with self._own.writing() as connection:
            await bind(connection, bounds_of(actor)._replace(granted=False))
            yield self.plain


class Reading:
    """`async with` around a unit of work in autocommit."""

    __slots__ = ("_actor", "_lease", "_new_id", "_sealing")

    def __init__(
        self, lease: Lease, sealing: Sealing, new_id: Callable[[], UUID], actor: Actor | None
    ) -> None:
        self._lease, self._sealing, self._new_id, self._actor = lease, sealing, new_id, actor

    async def __aenter__(self) -> PgWork:
        connection = await self._lease.__aenter__()
        if self._actor is None:
            return PgWork(connection, self._sealing, self._new_id)
        bounded = Bounded(connection, bounds_of(self._actor))
        return PgWork(bounded, self._sealing, self._new_id, plain=connection)

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        await self._lease.__aexit__(kind, *rest)
