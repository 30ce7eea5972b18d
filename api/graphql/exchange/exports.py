"""Exports (contract 7, 9). The files are fetched by `GET /v1/exports/{id}/files/{part}`."""

from uuid import UUID

from api.exports import listed, shown
from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.exchange import exports
from domain.exchange.export import Export, ExportDraft
from domain.kernel import Document, Listing, Paging, Value

fields = Fields()


class ExportCancellation(Value):
    """Says which."""


@fields.by_id("export", Export)
async def export(call: Call, id: UUID) -> Document:
    """One of the client's own; once it has succeeded with its files and its place in the feed of changes."""
    async with call.reading() as work:
        return shown(call.services.cursors, await exports.read(work, call.actor, id))


@fields.connection("exports", Export)
async def browse(call: Call, paging: Paging) -> Listing:
    """The client's own, oldest first."""
    async with call.reading() as work:
        return listed(call.services.cursors, await exports.browse(work, call.actor, paging))


@fields.mutation("createExport", Export, body=ExportDraft)
async def ask(call: Call, draft: ExportDraft) -> Document:
    """Asks for what the client may read as files, at one instant; households with persons:pii need X-Purpose."""
    async with call.writing() as work:
        asked = await exports.ask(work, call.actor, draft, allowance=call.services.exports, now=call.now)
    return shown(call.services.cursors, asked)


@fields.mutation("cancelExport", Export, body=ExportCancellation, target="id")
async def cancel(call: Call, id: UUID, _: ExportCancellation) -> Document:
    """Stops an export; nothing of it is kept."""
    async with call.writing() as work:
        return shown(call.services.cursors, await exports.cancel(work, call.actor, id, now=call.now))
