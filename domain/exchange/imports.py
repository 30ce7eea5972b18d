"""Imports: a file of persons or events, applied row by row, with a report (contract 7).

A file that cannot be read as a whole is not applied at all; a bad row is rejected, and the others are taken.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.errors import IllegalTransition, NotFound
from domain.exchange import resubmission
from domain.exchange.importing.job import (
    UNDER_WAY,
    ImportMode,
    ImportQuery,
    ImportStatus,
    Job,
    RowFilter,
    Upload,
)
from domain.exchange.jobs import Files, Tools
from domain.exchange.reading.kinds import ImportKind
from domain.kernel import Document, Listing, Paging
from domain.work import UnitOfWork

KEPT = timedelta(days=7)
"""From the end of an import to the end of its file: a validation may be committed so long."""
ORPHANED = timedelta(days=1)
"""A file that no row names is an upload until then."""
MOST_SWEPT = 1000
"""Files that are looked up at once."""


async def ask(
    work: UnitOfWork, actor: Actor, asked: ImportQuery, upload: Upload, *, resubmits: UUID | None = None, now: datetime
) -> Document:  # fmt: skip
    """Puts a file that has arrived in the queue. Raises InsufficientScope for what its kind writes."""
    allowed(actor, asked)
    import_id = work.new_id()
    await work.imports.add(actor, import_id, asked, upload, resubmits=resubmits, now=now)
    return await _shown(work, actor, import_id)


def allowed(actor: Actor, asked: ImportQuery) -> None:
    """An import of events is also a posting of them. Raises InsufficientScope."""
    admit(actor, Operation.IMPORT)
    if asked.kind is ImportKind.ASSISTANCE:
        admit(actor, Operation.WRITE_ASSISTANCE)


async def read(work: UnitOfWork, actor: Actor, import_id: UUID) -> Document:
    """One of the caller's own. Raises NotFound."""
    admit(actor, Operation.IMPORT)
    return await _shown(work, actor, import_id)


async def browse(work: UnitOfWork, actor: Actor, paging: Paging) -> Listing:
    admit(actor, Operation.IMPORT)
    return await work.imports.page(actor, paging)


async def rows(work: UnitOfWork, actor: Actor, import_id: UUID, where: RowFilter, paging: Paging) -> Listing:
    """The report of one of the caller's own, by row number. Raises NotFound."""
    await _own(work, actor, import_id)
    return await work.imports.rows(actor, import_id, where, paging)


async def cancel(work: UnitOfWork, actor: Actor, import_id: UUID, *, now: datetime) -> Document:
    """Stops it between two chunks; what was committed stays. Again is no error. Raises NotFound, IllegalTransition when
    it is over otherwise."""
    job = await _own(work, actor, import_id, lock=True)
    if job.status in UNDER_WAY:
        await work.imports.finish(import_id, ImportStatus.CANCELLED, now=now)
    elif job.status is not ImportStatus.CANCELLED:
        raise IllegalTransition(job.status, ImportStatus.CANCELLED, [])
    return await _shown(work, actor, import_id)


async def commit(work: UnitOfWork, actor: Actor, import_id: UUID, *, now: datetime) -> Document:
    """Imports the file of a validation; again, it is the import that does so already, unless that failed or was cancelled.

    Raises NotFound, IllegalTransition unless it is a finished validation.
    """
    job = await _own(work, actor, import_id, lock=True)
    if job.mode is not ImportMode.VALIDATE or job.status not in (
        ImportStatus.SUCCEEDED, ImportStatus.PARTLY_SUCCEEDED,
    ):  # fmt: skip
        raise IllegalTransition(f"{job.mode} {job.status}", ImportMode.COMMIT, [])
    asked = ImportQuery(kind=job.kind, format=job.format, mode=ImportMode.COMMIT, mapping=job.mapping)
    allowed(actor, asked)
    # The validation is locked: of two at once the second finds what the first has made.
    if (made := await work.imports.committed(job)) is not None:
        return await _shown(work, actor, made)
    upload = Upload(job.file_id, job.size, job.sha256, job.file_key)
    new_id = work.new_id()
    await work.imports.add(actor, new_id, asked, upload, validated_by=import_id, now=now)
    return await _shown(work, actor, new_id)


async def resubmit(
    work: UnitOfWork, actor: Actor, import_id: UUID, upload: Upload, files: Files, *, now: datetime
) -> Document:
    """Brings corrected rows of an import that is over, and only those that it has rejected.

    Raises NotFound, IllegalTransition while it runs, and what `resubmission.check` raises, before anything is stored.
    """
    job = await _own(work, actor, import_id)
    if job.status in UNDER_WAY:
        raise IllegalTransition(job.status, "resubmitted", [ImportStatus.CANCELLED])
    asked = ImportQuery(kind=job.kind, format=job.format, mode=job.mode, mapping=job.mapping)
    allowed(actor, asked)
    await resubmission.check(work, job, upload, files, now=now)
    return await ask(work, actor, asked, upload, resubmits=import_id, now=now)


async def sweep(tools: Tools) -> int:
    """Removes the files of imports that ended a week ago, and those that nothing names; how many. By the directory, so
    that what a killed process left behind is found as well."""
    now, removed = tools.now(), 0
    old = await asyncio.to_thread(lambda: sorted(set(tools.files.untouched_since(now - ORPHANED))))
    for start in range(0, len(old), MOST_SWEPT):
        async with tools.works.reading() as work:
            needless = await work.imports.needless_files(
                old[start : start + MOST_SWEPT], ended_before=now - KEPT
            )
        for file_id in needless:
            tools.files.remove(file_id)
        removed += len(needless)
    return removed


async def _own(work: UnitOfWork, actor: Actor, import_id: UUID, *, lock: bool = False) -> Job:
    admit(actor, Operation.IMPORT)
    job = await work.imports.job(import_id, lock=lock)
    if job is None or not job.is_of(actor):
        raise NotFound
    return job


own = _own


async def _shown(work: UnitOfWork, actor: Actor, import_id: UUID) -> Document:
    found = await work.imports.view(actor, import_id)
    if found is None:
        raise NotFound
    return found
