"""The chunks of a file, one decided while the database is at work on the one before.

While an import has the turn nobody else imports, so that what was found before it came to be written still holds. Where
others wait it hands the turn on after a chunk, and looks at the next one anew when it has it again.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.exchange.importing import events, persons
from domain.exchange.importing.failing import fail, standing
from domain.exchange.importing.job import ImportStatus, Job
from domain.exchange.importing.persons import Decided, Known
from domain.exchange.importing.store import Raced
from domain.exchange.jobs import Alone, Tools
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.rows import CleanRow

Rows = Sequence[CleanRow]
MOST_ATTEMPTS = 20
"""At single rows of a chunk that others change at the same moment, before the job is begun again."""
PAUSE_S = 5.0
MOST_WAITED_S = 3600.0
"""An import waits so long in all for its client's lookups: at 300 a minute, for 18,000 rows that are members elsewhere."""


@dataclass(frozen=True, slots=True)
class Coming:
    """The next chunk."""

    rows: Rows
    decided: Decided | None = None
    """None: it has to be looked at in its transaction."""
    before: Decided | None = None
    """What that rests on: the chunk before as it was decided."""


class Line:
    """One import's."""

    def __init__(self, tools: Tools, writing: Alone, looking: Alone, rows: Iterator[Rows]) -> None:
        """`rows` are read in a thread: what they are read from must stay open until `close`."""
        self._tools, self._writing, self._looking, self._rows = tools, writing, looking, rows
        self._known = Known()
        self._before: Decided | None = None
        """The chunk before, whose households may go on."""
        self._turn = False
        self._waited_s = 0.0
        self._next: asyncio.Task[Coming | None] | None = None
        self._reading: asyncio.Task[Rows | None] | None = None
        """Of the rows after those: read while the database is asked about the ones before."""

    async def applied(self, job: Job) -> bool:
        """Whether it came to the end of the file; not when it was cancelled, or its client lost its rights.

        Raises UnreadableFile.
        """
        while (coming := await self._coming(job)) is not None:
            # Rights that were taken away while it runs end it, or narrow what is left of it.
            allowed = await standing(self._tools, job)
            if allowed is None:
                return False
            if not await self._by_halves(allowed, coming):
                return False
            job = replace(allowed, last_number=coming.rows[-1].number)
        return True

    async def close(self) -> None:
        """When nobody reads any more."""
        # In this order: the first may have begun the second.
        await _ended(self._next)
        await _ended(self._reading)

    async def _by_halves(self, job: Job, coming: Coming) -> bool:
        """One chunk, and the lookups for what its report tells; whether the import goes on.

        Where others change what it is about it is halved, and halved again: the fewer the rows, the shorter the moment.
        """
        taken: set[str] = set()
        paid: set[str] = set()
        pieces, alone = [coming.rows], 0
        while pieces:
            rows = pieces[-1]
            kept = await self._take_turn()
            whole = rows is coming.rows and not taken and not paid
            holds = kept and whole and coming.before is self._before and _same_rights(coming.decided, job)
            try:
                if not await self._chunk(
                    job, rows, coming.decided if holds else None, taken, paid, last=len(pieces) == 1
                ):
                    return False
            except persons.Unpaid as unpaid:
                await self._leave_turn()
                if not await self._pay(job, len(unpaid.citizen_ids)):
                    return False
                paid |= set(unpaid.citizen_ids)
                continue
            except Raced as raced:
                taken |= set(raced.citizen_ids)
                middle = len(rows) // 2
                if middle:
                    pieces[-1:] = [rows[middle:], rows[:middle]]
                elif (alone := alone + 1) > MOST_ATTEMPTS:
                    raise
                continue
            pieces.pop()
            job = replace(job, last_number=rows[-1].number)
        return True

    async def _pay(self, job: Job, lookups: int) -> bool:
        """Takes so many lookups of the client's, and waits for more where there are none left."""
        while lookups := lookups - await self._tools.lookups(job.client_id, lookups):
            if self._waited_s >= MOST_WAITED_S:
                await fail(
                    self._tools,
                    job,
                    "lookup-limit",
                    "Too many of its citizen ids belong to members elsewhere.",
                )
                return False
            self._waited_s += PAUSE_S
            await asyncio.sleep(PAUSE_S)
            async with self._tools.works.reading() as work:
                held = await work.imports.job(job.id)
            if held is None or held.status is not ImportStatus.RUNNING:
                return False
        return True

    async def _coming(self, job: Job) -> Coming | None:
        if self._next is None:
            self._look_ahead(job, None)
        assert self._next is not None
        coming = await asyncio.shield(self._next)
        self._next = None
        return coming

    def _look_ahead(self, job: Job, at_work: Decided | None) -> None:
        """Begins with the next chunk, unless it has; `at_work` is the one that is being written."""
        if self._next is not None:
            return
        self._next = asyncio.create_task(self._looked(job, at_work))

    async def _looked(self, job: Job, at_work: Decided | None) -> Coming | None:
        rows = await self._read()
        if rows is None:
            return None
        if at_work is None:
            return Coming(rows)
        work, now = self._looking.reading(job.actor), self._tools.now()
        found = await persons.decided(work, job, rows, self._known, at_work, carry=True, now=now)
        return Coming(rows, found, at_work)

    async def _read(self) -> Rows | None:
        reading = self._reading or self._begun_to_read()
        rows = await reading
        self._reading = None if rows is None else self._begun_to_read()
        return rows

    def _begun_to_read(self) -> asyncio.Task[Rows | None]:
        return asyncio.create_task(asyncio.to_thread(next, self._rows, None))

    async def _take_turn(self) -> bool:
        """Whether it was this one's all the time."""
        imports = self._writing.plain.imports
        if self._turn and not await imports.turn_is_awaited():
            return True
        await self._leave_turn()
        while not self._turn:
            self._turn = await imports.take_turn()
        return False

    async def _leave_turn(self) -> None:
        if self._turn:
            await self._writing.plain.imports.leave_turn()
            self._turn = False

    async def _chunk(
        self, job: Job, rows: Rows, decided: Decided | None, taken: Collection[str], paid: Collection[str], *, last: bool
    ) -> bool:  # fmt: skip
        """One transaction; whether the import is still wanted. `last`: then the next chunk may be looked at.

        Raises Raced, Unpaid: nothing is written.
        """
        now = self._tools.now()
        async with self._writing.writing(job.actor) as work:
            held = await work.imports.job(job.id, lock=True)
            if held is None or held.status is not ImportStatus.RUNNING or held.last_number != job.last_number:
                return False
            if job.kind is ImportKind.ASSISTANCE:
                self._look_ahead(job, None)
                prepared = await events.applied(work, job, rows, now=now)
                await work.imports.advance(job, rows[-1].number, prepared, rows[0].header)
                return True
            if decided is None:
                decided = await persons.decided(
                    work, job, rows, self._known, self._before, carry=False, taken=taken, paid=paid, now=now
                )
            if last:
                self._look_ahead(job, decided)
            await persons.carried_out(work, decided, now=now)
            await work.imports.advance(job, rows[-1].number, decided.prepared, rows[0].header)
        if self._before is not None:
            self._before.part(decided)
        self._before = decided
        return True


async def _ended(task: asyncio.Task[Any] | None) -> None:
    """However it ends: nobody asks for what it found."""
    if task is not None:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()


def _same_rights(decided: Decided | None, job: Job) -> bool:
    return decided is not None and (decided.job.scopes, decided.job.areas) == (job.scopes, job.areas)
