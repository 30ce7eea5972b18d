"""A chunk of rows about persons, applied to the registry in sets."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.calendar import today
from domain.exchange.importing.chunk import Chunk
from domain.exchange.importing.deciding import decide
from domain.exchange.importing.job import ImportMode, Job
from domain.exchange.importing.state import NOTHING_CARRIED, Carried, Found, Household, Sought, carried
from domain.exchange.importing.store import Prepared, Raced
from domain.exchange.importing.surveys import SurveyedIndicator, Surveys
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.rows import CleanRow
from domain.work import UnitOfWork


@dataclass(slots=True)
class Known:
    """What one job remembers of the reference data."""

    places: Collection[str] = ()
    surveys: Surveys = field(default_factory=Surveys)


@dataclass(frozen=True, slots=True)
class Decided:
    """A chunk with its verdicts, ready to be carried out."""

    job: Job
    """With the rights under which it was decided."""
    rows: Sequence[CleanRow]
    prepared: Prepared
    leaves: Carried
    """To the next chunk, while this one is not committed."""
    touched: Mapping[UUID, Mapping[str, int]]
    """Which row has said what of a household: it may go on in the next chunk."""

    def part(self, still: "Decided | None" = None) -> None:
        """Households forget their members, save those that the next chunk goes on with: nothing waits for the collector."""
        kept: Mapping[UUID, Household] = {} if still is None else still.leaves.households
        for home in self.leaves.households.values():
            if home.id not in kept:
                home.members = []


async def decided(
    work: UnitOfWork, job: Job, rows: Sequence[CleanRow], known: Known, before: Decided | None,
    *, carry: bool, taken: Collection[str] = (), paid: Collection[str] = (), now: datetime,
) -> Decided:  # fmt: skip
    """A verdict on every row, and what it comes to. `taken`: citizen ids that are somebody's by now. Raises Unpaid for those
    out of reach that are not among the `paid`.

    `before`: the chunk before; with `carry` the database does not show it yet. That can be done once: what is carried
    becomes what this chunk makes of it.
    """
    if not known.places:
        known.places = await work.intake.places()
    surveyed = job.kind in (ImportKind.BMN, ImportKind.TPMAP_TARGET)
    if surveyed:
        await _learn(work, known.surveys, rows)
    ahead = before.leaves if before is not None and carry else NOTHING_CARRIED
    sought = await asyncio.to_thread(work.intake.sought, job, rows)
    found = await work.intake.find(job, sought, ahead, results=surveyed)
    refused = (set(taken) & sought.blinds.keys()) - found.persons.keys()
    if unpaid := refused - set(paid):
        raise Unpaid(unpaid)

    def judged() -> Decided:
        return _judged(work, job, rows, known, before, sought, found, refused, now)

    return await asyncio.to_thread(judged)


def _judged(
    work: UnitOfWork, job: Job, rows: Sequence[CleanRow], known: Known, before: Decided | None, sought: Sought,
    found: Found, refused: Collection[str], now: datetime,
) -> Decided:  # fmt: skip
    chunk = Chunk(
        job,
        found,
        about=sought.rows,
        places=known.places,
        surveys=known.surveys,
        touched={} if before is None else before.touched,
        refused=refused,
        new_id=work.new_id,
        today=today(job.created_at),
    )
    reported = decide(chunk, rows)
    prepared = work.intake.prepare(job, sought, chunk.plan, reported, now=now)
    touched = {one.id: chunk.touched[one.id] for one in chunk.plan.households if one.id in chunk.touched}
    leaves = carried(chunk.plan, found.seen)
    for home in found.households.values():
        if home.id not in leaves.households:
            home.members = []
    return Decided(job, rows, prepared, leaves, touched)


class Unpaid(Exception):
    """Citizen ids turned out to be somebody's out of reach: to tell which costs a lookup each."""

    def __init__(self, citizen_ids: Collection[str]) -> None:
        super().__init__(len(citizen_ids))
        self.citizen_ids = citizen_ids


async def carried_out(work: UnitOfWork, one: Decided, *, now: datetime) -> None:
    """Writes it with mode `commit`; in a transaction. Raises Raced where somebody else has come between."""
    commit = one.job.mode is ImportMode.COMMIT
    async with work.intake.attempt():
        taken = await work.intake.claim(one.prepared, keep=commit)
        if commit and not taken:
            taken = await work.intake.write(one.prepared, now=now)
        if taken:
            raise Raced(taken)


async def _learn(work: UnitOfWork, surveys: Surveys, rows: Sequence[CleanRow]) -> None:
    """The indicators and campaigns that these rows name."""
    wanted = {one for row in rows for one, _ in row.results} - surveys.indicators.keys()
    if wanted:
        found = await work.reference.indicators(sorted(wanted))
        surveys.indicators = {
            **surveys.indicators,
            **{
                id: SurveyedIndicator(one.edition, one.dimension, one.unit == "household")
                for id, one in found.items()
            },
        }
    years = {row.fiscal_year for row in rows if row.fiscal_year is not None}
    editions = {one.edition for one in surveys.indicators.values()}
    for year in sorted(years):
        for edition in sorted(editions):
            if (year, edition) not in surveys.members:
                members = await work.reference.mpi_members(year, edition)
                surveys.members = {**surveys.members, (year, edition): members}
