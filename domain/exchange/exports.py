"""What may be done with exports: ask, look, cancel, fetch; and the job that makes one (contract 7).

An export is one state of the database: every row is read in one snapshot, whose time is `transaction_time`, and the
feed position is taken inside it. Rows are those of the lists, under the same policy and masked alike. A job that was
killed begins anew in a new snapshot; what it had written is never seen.

`since` looks ten minutes further back than it says: a row is stamped when its request begins, and may become visible
when the export before has looked already. Requests are over within a fraction of that; what stands in two exports
is the same row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.access.actor import Actor, Scope
from domain.access.clients import ClientStore
from domain.access.policy import InsufficientScope, Operation, Reach, admit, sees_unmasked
from domain.errors import Fault, Forbidden, IllegalTransition, Invalid, NotFound
from domain.exchange.changes import Position, mark_of, position
from domain.exchange.export import (
    MOST_INLINE,
    UNFINISHED,
    Allowance,
    ExportDraft,
    ExportFault,
    ExportStatus,
    ExportType,
    Made,
    Order,
    OutputType,
    StoredFile,
)
from domain.exchange.export_store import ExportStore, Proceed, Read
from domain.exchange.jobs import Task, Tools
from domain.kernel import Document, Listing, Paging
from domain.work import UnitOfWork

OVERLAP = timedelta(minutes=10)
"""How much further back than `since` is looked (assumed): longer than any request may take."""
LOOK_AGAIN = timedelta(seconds=1)
"""Between two looks at whether the export has been cancelled."""
MOST_SWEPT = 200


class HasExports(Protocol):
    @property
    def exports(self) -> ExportStore: ...
    @property
    def clients(self) -> ClientStore: ...
    def new_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one snapshot gave."""

    files: Sequence[Made]
    deleted: Sequence[tuple[str, UUID]]
    instant: datetime
    position: Position


class Cancelled(Exception):
    """Nobody waits for it any more."""


# What a caller does


async def ask(
    work: HasExports, actor: Actor, draft: ExportDraft, *, allowance: Allowance, now: datetime
) -> Document:
    """Queues an export. Raises InsufficientScope for either scope, PurposeRequired for households with persons:pii,
    Forbidden `outside-your-areas`, Invalid, TooManyExports."""
    admit(actor, Operation.EXPORT)
    if draft.area is not None and not actor.covers(draft.area):
        fault = Fault("/area", "outside-your-areas", "An export is of areas of your client.")
        raise Forbidden("The area is not one of yours.", code="outside-your-areas", faults=[fault])
    # What is exported does not stand in this answer, which alone may have to be masked.
    caller = actor.as_called
    admit(caller, draft.type.read_by)
    if draft.since is not None and draft.since > now:
        raise Invalid.at("/since", "future-date", "The time is in the future.")
    if draft.since is not None and draft.since - OVERLAP < await work.exports.kept_since():
        told = "What has changed since then is not kept any more; leave it out, and export everything."
        raise Invalid.at("/since", "out-of-range", told)
    unmasked = draft.type is ExportType.HOUSEHOLDS and sees_unmasked(caller)
    file_ids = (work.new_id(), work.new_id())
    return await work.exports.add(
        actor, work.new_id(), draft, unmasked=unmasked, allowance=allowance, file_ids=file_ids, now=now
    )


async def read(work: HasExports, actor: Actor, export_id: UUID) -> Document:
    """The client's own. Raises NotFound."""
    found = await work.exports.get(admit(actor, Operation.EXPORT), export_id)
    if found is None:
        raise NotFound
    return found


async def browse(work: HasExports, actor: Actor, paging: Paging) -> Listing:
    """The client's own, oldest first."""
    return await work.exports.page(admit(actor, Operation.EXPORT), paging)


async def cancel(work: HasExports, actor: Actor, export_id: UUID, *, now: datetime) -> Document:
    """Stops an export; one that is cancelled already stays so. Raises NotFound, IllegalTransition."""
    reach = admit(actor, Operation.EXPORT)
    stopped = await work.exports.cancel(reach, export_id, now=now)
    found = await read(work, actor, export_id)
    order = await work.exports.order(export_id)
    if not stopped and order is not None and order.status is not ExportStatus.CANCELLED:
        raise IllegalTransition(order.status, ExportStatus.CANCELLED, [])
    return found


async def fetch(work: HasExports, actor: Actor, export_id: UUID, part: int, *, now: datetime) -> StoredFile:
    """One file of the client's own export; it needs the rights that it was asked for with. Its purpose was stated
    then, and the reading is in the access log. Raises NotFound, InsufficientScope, ExportExpired."""
    found = await work.exports.file(admit(actor, Operation.EXPORT), export_id, part, now=now)
    if found is None:
        raise NotFound
    scopes = found.export_type.read_by.scopes
    if actor.scopes.isdisjoint(scopes):
        raise InsufficientScope(scopes)
    if found.unmasked and not actor.can(Scope.PERSONS_PII):
        raise InsufficientScope((Scope.PERSONS_PII,))
    return found


# What the job does


async def standing(work: HasExports, order: Order, *, now: datetime) -> Actor | ExportFault:
    """The client of an order with what is left of its rights, or why it may not have its export.

    Whoever may see less by now gets nothing: a file of less than was asked for would be taken for the whole.
    """
    known = await work.clients.credentials(order.actor.client_id, now=now)
    client = known.client if known else None
    expired = client is not None and client.expires_at is not None and client.expires_at <= now
    if client is None or not client.enabled or expired:
        return ExportFault.CLIENT_REVOKED
    asked = order.actor if order.area is None else replace(order.actor, areas=(order.area,))
    if not all(map(replace(asked, areas=tuple(client.areas)).covers, asked.prefixes)):
        return ExportFault.OUTSIDE_YOUR_AREAS
    actor = replace(asked, scopes=asked.scopes & frozenset(client.scopes))
    try:
        admit(actor, Operation.EXPORT)
        left, wanted = admit(actor, order.type.read_by), admit(asked, order.type.read_by)
    except Forbidden:
        return ExportFault.INSUFFICIENT_SCOPE
    if left.assigned_to != wanted.assigned_to or (order.unmasked and not left.unmasked):
        return ExportFault.INSUFFICIENT_SCOPE
    return actor


async def perform(tools: Tools, export_id: UUID) -> None:
    """Makes one export, from its beginning; nothing for one that has ended."""
    async with tools.works.reading() as work:
        order = await work.exports.order(export_id)
    if order is None:
        return
    if order.status not in UNFINISHED:
        if order.status is not ExportStatus.SUCCEEDED:
            _discard(tools, order)
        return
    async with tools.works.writing() as work:
        if not await work.exports.begin(export_id, now=tools.now()):
            return
        actor = await standing(work, order, now=tools.now())
        if isinstance(actor, ExportFault):
            await work.exports.fail(export_id, actor, now=tools.now())
            return
    try:
        finished = await _make(tools, order, actor)
    except Cancelled:
        finished = False
    if not finished:
        _discard(tools, order)


async def _make(tools: Tools, order: Order, actor: Actor) -> bool:
    """Whether it was wanted to the end. Raises Cancelled."""
    drawn = await draw(tools, order, actor, _Watch(tools, order.id))
    # The feed is followed with all areas of the client, also from an export of one of them.
    view = mark_of(replace(actor, areas=order.actor.areas))
    async with tools.works.writing() as work:
        return await work.exports.finish(
            order, drawn.files, drawn.deleted,
            transaction_time=drawn.instant, position=drawn.position, view=view, now=tools.now(),
        )  # fmt: skip


async def draw(tools: Tools, order: Order, actor: Actor, proceed: Proceed) -> Drawn:
    """Writes the files of an order from one snapshot, as `actor` may see it. Raises what `proceed` raises."""
    reach = reach_of(order, actor)
    since = None if order.since is None else order.since - OVERLAP
    log_id = tools.new_id()
    made: list[Made] = []
    deleted: list[tuple[str, UUID]] = []

    async def logged(rows: Sequence[Read]) -> None:
        async with tools.works.writing(actor) as work:
            await work.exports.log(actor, log_id, rows, now=tools.now())

    async with tools.works.lasting(actor, snapshot=True) as work:
        instant, place = await work.exports.instant(), await position(work)
        with _Part(tools, order.file_ids[0]) as part:
            part.count = await work.exports.write(
                reach, order, part.file, since=since, now=instant, proceed=proceed, logged=logged
            )
            made.append(part.made(OutputType(order.type), 1))
        if since is not None:
            deleted = await work.exports.gone(reach, order, since=since, most=MOST_INLINE + 1)
            if len(deleted) > MOST_INLINE:
                deleted = []
                with _Part(tools, order.file_ids[1]) as part:
                    part.count = await work.exports.write_gone(
                        reach, order, part.file, since=since, proceed=proceed
                    )
                    made.append(part.made(OutputType.DELETED, 2))
    return Drawn(made, deleted, instant, place)


def reach_of(order: Order, actor: Actor) -> Reach:
    """The reach of the list, in the export's area."""
    reach = admit(actor, order.type.read_by)
    narrow = reach.prefixes if order.area is None else [order.area]
    # A grant opens single reads.
    return replace(reach, prefixes=narrow, granted=False)


class _Part:
    """A file being written; an error leaves nothing of it."""

    def __init__(self, tools: Tools, file_id: UUID) -> None:
        self._id, self.count = file_id, 0
        self.file = tools.files.create(file_id)

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self.file.discard()

    def made(self, type: OutputType, part: int) -> Made:
        written = self.file.finish()
        return Made(self._id, type, part, self.count, written.size, written.sha256, written.key)


class _Watch:
    """Notices now and then that the export was cancelled."""

    def __init__(self, tools: Tools, export_id: UUID) -> None:
        self._tools, self._id, self._next = tools, export_id, tools.now() + LOOK_AGAIN

    async def __call__(self) -> None:
        if self._tools.now() < self._next:
            return
        async with self._tools.works.reading() as work:
            if not await work.exports.under_way(self._id):
                raise Cancelled
        self._next = self._tools.now() + LOOK_AGAIN


def _discard(tools: Tools, order: Order) -> None:
    for file_id in order.file_ids:
        tools.files.remove(file_id)


async def give_up(tools: Tools, export_id: UUID) -> None:
    """Makes it say that it failed."""
    async with tools.works.writing() as work:
        order = await work.exports.order(export_id)
        await work.exports.fail(export_id, ExportFault.INTERNAL_ERROR, now=tools.now())
    if order is not None and order.status is not ExportStatus.SUCCEEDED:
        _discard(tools, order)


async def unfinished(work: UnitOfWork) -> Sequence[UUID]:
    return await work.exports.unfinished()


async def sweep(tools: Tools) -> int:
    """Removes the files of exports past their time; how many. Asked for again and again by the worker."""
    removed = 0
    while True:
        async with tools.works.writing() as work:
            ids = await work.exports.expired(now=tools.now(), most=MOST_SWEPT)
            # Before the rows are gone for good: a sweep that is killed is done again.
            for file_id in ids:
                tools.files.remove(file_id)
        removed += len(ids)
        if len(ids) < MOST_SWEPT:
            return removed


EXPORT = Task(perform, give_up, unfinished)
