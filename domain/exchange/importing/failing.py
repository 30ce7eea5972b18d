"""How an import ends before its end: what is left of its client's rights, and the failure as its reader sees it."""

from domain.exchange.importing.job import ImportStatus, Job, narrowed
from domain.exchange.jobs import Tools


async def standing(tools: Tools, job: Job) -> Job | None:
    """The job within what its client may do now; None when that is nothing, and the import has failed."""
    async with tools.works.reading() as work:
        allowed = narrowed(job, await work.imports.standing(job.client_id))
    if allowed is None:
        await fail(tools, job, "client-revoked", "The client may not import any more.")
    return allowed


async def fail(tools: Tools, job: Job, code: str, detail: str) -> None:
    async with tools.works.writing() as work:
        error = {"code": code, "detail": detail}
        await work.imports.finish(job.id, ImportStatus.FAILED, error=error, now=tools.now())
        needed = await work.imports.file_is_needed(job.file_id)
    if not needed:
        tools.files.remove(job.file_id)
