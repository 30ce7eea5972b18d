"""The job of an import: the file is read through once, then applied chunk by chunk, each in a transaction of its own.

What was written, the report of it and how far the file has come are committed together: killed at any moment, the next
job goes on after the last chunk, and every row is applied once. Chunks of several imports take turns.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from io import RawIOBase
from uuid import UUID

from domain.calendar import today
from domain.exchange.importing.failing import fail, standing
from domain.exchange.importing.job import UNDER_WAY, ImportMode, ImportStatus, Job
from domain.exchange.importing.line import Line
from domain.exchange.importing.pace import at_pace
from domain.exchange.jobs import Task, Tools
from domain.exchange.reading.rows import UnreadableFile
from domain.work import UnitOfWork

MOST_UNFINISHED = 1000


async def perform(tools: Tools, import_id: UUID) -> None:
    """Applies one import, or goes on with it; nothing when it is over."""
    async with tools.works.reading() as work:
        job = await work.imports.job(import_id)
    if job is None or job.status not in UNDER_WAY:
        return
    allowed = await standing(tools, job)
    if allowed is None:
        return
    try:
        with at_pace():
            done = await _applied(tools, allowed)
        if done:
            await _finish(tools, allowed, None)
    except UnreadableFile as fault:
        await fail(tools, job, fault.code, fault.detail)
    except FileNotFoundError:
        await fail(tools, job, "file-lost", "The file is not there any more; send it again.")


async def give_up(tools: Tools, import_id: UUID) -> None:
    """What was committed stays; the rest may be sent again."""
    async with tools.works.reading() as work:
        job = await work.imports.job(import_id)
    if job is not None and job.status in UNDER_WAY:
        await fail(tools, job, "internal-error", "It failed for a reason of ours; send the file again.")


async def unfinished(work: UnitOfWork) -> Sequence[UUID]:
    return await work.imports.unfinished(MOST_UNFINISHED)


async def _applied(tools: Tools, job: Job) -> bool:
    """Whether it came to its end; not when it was cancelled."""
    if job.rows_total is None:
        job = await _begun(tools, job)
    with tools.files.open(job.file_id, job.file_key) as file:
        async with tools.works.reading() as work:
            rows = work.imports.chunks(file, job, today=today(job.created_at))
        async with tools.works.alone() as writing, tools.works.alone() as looking:
            line = Line(tools, writing, looking, rows)
            try:
                return await line.applied(job)
            finally:
                # The file is closed after whoever reads it.
                await line.close()


async def _begun(tools: Tools, job: Job) -> Job:
    def looked_through(file: RawIOBase) -> tuple[int, str | None]:
        return reader.inspect(file, job)

    async with tools.works.reading() as work:
        reader = work.imports
    with tools.files.open(job.file_id, job.file_key) as file:
        total, mapping = await asyncio.to_thread(looked_through, file)
    async with tools.works.writing() as work:
        await work.imports.begin(job.id, rows_total=total, mapping=mapping, now=tools.now())
    return replace(job, rows_total=total, mapping=mapping)


async def _finish(tools: Tools, job: Job, status: ImportStatus | None) -> None:
    async with tools.works.writing() as work:
        await work.imports.finish(job.id, status, now=tools.now())
        kept = job.mode is ImportMode.VALIDATE or await work.imports.file_is_needed(job.file_id)
    if not kept:
        tools.files.remove(job.file_id)


IMPORT = Task(perform, give_up, unfinished)
