"""Exports (contract 7)."""

from starlette.responses import Response

from api.exports import listed, shown
from api.rest.call import Call, Listed
from api.rest.downloads import downloaded
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.errors import NotFound
from domain.exchange import exports
from domain.exchange.export import Export, ExportDraft, ExportExpired, StoredFile
from domain.kernel import Document

routes = Routes("exports")
EXPORTS = "/v1/exports"
ONE = EXPORTS + "/{export_id}"


@routes.post(
    EXPORTS, "createExport", "Export what the client may read",
    policy=Operation.EXPORT, body=ExportDraft, answer=Export, status=202,
)  # fmt: skip
async def ask(call: Call) -> Response:
    """The items of the list of that type, under the same policy, at one instant. It needs the scope that reads the
    list as well; households with persons:pii are exported unmasked, and need `X-Purpose`.

    Read the export at `Location` until its `status` is `succeeded`, and fetch the files of `output`. NDJSON holds one
    item of the list a line. CSV and Parquet are flat: fields of an object are columns as `address_moo`, lists are JSON
    text; in CSV a cell that a spreadsheet would run as a formula begins with an apostrophe. With `since`, let go of
    `deleted` first, then take over the rows, by their ids: a row may come that has not changed. `since` may not be
    earlier than what the feed keeps.
    """
    draft = await call.body(ExportDraft)
    allowance = call.services.exports
    async with call.writing() as work:
        queued = await exports.ask(work, call.actor, draft, allowance=allowance, now=call.now)
    return _answer(call, queued, status=202)


@routes.get(
    EXPORTS, "listExports", "List exports",
    policy=Operation.EXPORT, query=Listed, answer=Export, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """The client's own, oldest first; those that ended a month ago are forgotten."""
    paging = call.paging(call.query(Listed))
    async with call.reading() as work:
        found = await exports.browse(work, call.actor, paging)
    return call.listing(listed(call.services.cursors, found), paging)


@routes.get(ONE, "getExport", "Read an export", policy=Operation.EXPORT, answer=Export)
async def read(call: Call) -> Response:
    """Its status, and once it has succeeded its files and its place in the feed of changes."""
    call.no_query()
    async with call.reading() as work:
        return _answer(call, await exports.read(work, call.actor, call.id("export_id")))


@routes.post(
    ONE + "/cancel", "cancelExport", "Cancel an export",
    policy=Operation.EXPORT, answer=Export, status=200, errors=(409,),
)  # fmt: skip
async def cancel(call: Call) -> Response:
    """Nothing of it is kept. Again is no error; one that has ended otherwise stays as it is."""
    async with call.writing() as work:
        found = await exports.cancel(work, call.actor, call.id("export_id"), now=call.now)
    return _answer(call, found)


@routes.get(
    ONE + "/files/{part}", "getExportFile", "Fetch a file of an export",
    policy=Operation.EXPORT, errors=(410,),
)  # fmt: skip
async def fetch(call: Call) -> Response:
    """The client's own; its ETag is the SHA-256 of the file. The purpose was stated when it was asked for."""
    call.no_query()
    async with call.reading() as work:
        stored = await exports.fetch(work, call.actor, call.id("export_id"), _part(call), now=call.now)
    return await _file(call, stored)


def _answer(call: Call, found: Document, *, status: int = 200) -> Response:
    text = shown(call.services.cursors, found).text
    # Our own JSON begins with the id.
    return call.json(
        text,
        status=status,
        headers={"Location": f"{EXPORTS}/{text[7:43].decode()}"} if status == 202 else None,
    )


def _part(call: Call) -> int:
    text: str = call.request.path_params["part"]
    if len(text) != 1 or text not in "123456789":
        raise NotFound
    return int(text)


async def _file(call: Call, stored: StoredFile) -> Response:
    try:
        return await downloaded(
            call,
            stored.id,
            stored.key,
            size=stored.size,
            sha256=stored.sha256,
            media_type=stored.media_type,
            name=stored.name,
        )
    except FileNotFoundError:
        raise ExportExpired from None
