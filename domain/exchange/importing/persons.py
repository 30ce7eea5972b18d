"""A chunk of rows about persons, applied to the registry in sets."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.calendar import today
from domain.exchange.importing.chunk import Chunk
from domain.exchange.importing.deciding import decide
from domain.exchange.importing.job import ImportMode, Job, Reported
from domain.exchange.importing.store import Raced
from domain.exchange.importing.surveys import SurveyedIndicator, Surveys
from domain.exchange.reading.kinds import ImportKind
from domain.exchange.reading.rows import CleanRow
from domain.work import UnitOfWork

MOST_ATTEMPTS = 10
"""Times that others may change what a chunk is about, before the job is begun again."""


@dataclass(slots=True)
class Known:
    """What one job remembers from chunk to chunk."""

    places: Collection[str] = ()
    surveys: Surveys = field(default_factory=Surveys)
    touched: dict[UUID, dict[str, int]] = field(default_factory=dict)
    """Of the last chunk: a household may go on in the next."""


async def applied(
    work: UnitOfWork, job: Job, rows: Sequence[CleanRow], known: Known, *, decided: Callable[[], None], now: datetime
) -> Sequence[Reported]:  # fmt: skip
    """A verdict on every row; with mode `commit` they are carried out. In a transaction.

    `decided` is called when what is left is the database's to do.
    """
    if not known.places:
        known.places = await work.intake.places()
    surveyed = job.kind in (ImportKind.BMN, ImportKind.TPMAP_TARGET) and any(row.results for row in rows)
    if surveyed:
        await _learn(work, known.surveys, rows)
    refused: set[str] = set()
    for attempt in range(MOST_ATTEMPTS):
        chunk = Chunk(
            job,
            await work.intake.find(job, rows, results=surveyed),
            places=known.places,
            surveys=known.surveys,
            touched=known.touched,
            refused=refused,
            new_id=work.new_id,
            today=today(job.created_at),
        )
        reported = decide(chunk, rows)
        decided()
        taken: Collection[str] = ()
        try:
            async with work.intake.attempt():
                taken = await work.intake.claim(chunk.plan.identities, keep=job.mode is ImportMode.COMMIT)
                if taken:
                    raise Raced
                if job.mode is ImportMode.COMMIT:
                    await work.intake.write(job, chunk.plan, now=now)
        except Raced:
            refused.update(taken)
            chunk.part()
            if attempt == MOST_ATTEMPTS - 1:
                raise
            continue
        break
    known.touched = {
        one.id: chunk.touched[one.id] for one in chunk.plan.households if one.id in chunk.touched
    }
    chunk.part()
    return reported


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
