"""Imports (contract 7, 9). Files come by `POST /v1/imports` and `POST /v1/imports/{id}/resubmit`."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.exchange import imports
from domain.exchange.importing.job import Import, ImportRow, RowFilter
from domain.kernel import Document, Listing, Paging, Value

fields = Fields()
NUMBERED = {"number": ("number",)}


class ImportCancellation(Value):
    """Says which."""


class ImportCommit(Value):
    """Says which."""


@fields.by_id("import", Import)
async def one(call: Call, id: UUID) -> Document:
    """One of the calling client's own: how far it has come, and what became of its rows."""
    async with call.reading() as work:
        return await imports.read(work, call.actor, id)


@fields.connection("imports", Import)
async def browse(call: Call, paging: Paging) -> Listing:
    """The calling client's own, oldest first."""
    async with call.reading() as work:
        return await imports.browse(work, call.actor, paging)


@fields.connection("importRows", ImportRow, filter=RowFilter, owner="id", keys=NUMBERED)
async def rows(call: Call, id: UUID, where: RowFilter, paging: Paging) -> Listing:
    """The report of an import, in the order of the file; masked fields only differ."""
    async with call.reading() as work:
        return await imports.rows(work, call.actor, id, where, paging)


@fields.mutation("cancelImport", Import, body=ImportCancellation, target="id")
async def cancel(call: Call, id: UUID, _: ImportCancellation) -> Document:
    """Stops it after the chunk of rows under way; what was taken until then stays."""
    async with call.writing() as work:
        return await imports.cancel(work, call.actor, id, now=call.now)


@fields.mutation("commitImport", Import, body=ImportCommit, target="id")
async def commit(call: Call, id: UUID, _: ImportCommit) -> Document:
    """Imports the file of a validation: a new import, or the one that does so already."""
    async with call.writing() as work:
        return await imports.commit(work, call.actor, id, now=call.now)
