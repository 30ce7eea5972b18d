"""Imports (contract 7)."""

from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response, StreamingResponse

from api.rest.call import PERSONAL, Call, Listed
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.exchange import imports
from domain.exchange.importing.job import Import, ImportQuery, ImportRow, Job, RowFilter, TableRow
from domain.kernel import Document
from domain.tabular import rows_as_csv

routes = Routes("imports")
IMPORTS = "/v1/imports"
ONE = IMPORTS + "/{import_id}"
BYTES = 2 * 1024**3
"""Of a file, unless KAEJON_IMPORT_BYTES says otherwise."""
MAY = Operation.IMPORT
ORDERS = ("created_at", "-created_at")


class RowQuery(RowFilter, Listed):
    """The report in the order of the file; `outcome` may be repeated."""


class TableQuery(RowFilter):
    """Outcomes that are wanted; a repeated one ORs."""


@routes.post(
    IMPORTS, "createImport", "Import a file",
    policy=MAY, query=ImportQuery, answer=Import, status=202, most=BYTES, file=True,
)  # fmt: skip
async def ask(call: Call) -> Response:
    """The body is the file itself, or the part `file` of a form (multipart/form-data). Columns are those of the template
    of its kind, or of a `mapping`; csv may be UTF-8, UTF-16 or cp874 (TIS-620). `mode` is `validate` unless given: the
    same verdicts and report, and nothing is written.

    Read the import at `Location` until its `status` is final, then its rows. A row that is rejected stops no other. The
    same file again changes nothing. What a team has said is never overwritten: see `GET /v1/households/{id}/conflicts`.
    """
    asked = call.query(ImportQuery)
    async with call.writing() as work:
        made = await imports.ask(work, call.actor, asked, call.upload, now=call.now)
    return _accepted(call, made)


@routes.get(
    IMPORTS, "listImports", "List imports",
    policy=MAY, query=Listed, answer=Import, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """The calling client's own, oldest first."""
    paging = call.paging(call.query(Listed))
    async with call.reading() as work:
        return call.listing(await imports.browse(work, call.actor, paging), paging)


@routes.get(ONE, "getImport", "Read an import", policy=MAY, answer=Import)
async def read(call: Call) -> Response:
    """How far it has come, and what became of its rows."""
    call.no_query()
    async with call.reading() as work:
        return call.document(await imports.read(work, call.actor, call.id("import_id")), etag=False)


@routes.get(
    ONE + "/rows", "listImportRows", "Read the report of an import",
    policy=MAY, query=RowQuery, answer=ImportRow, many=True,
)  # fmt: skip
async def rows(call: Call) -> Response:
    """What became of each row, why, and what it differs in from what is stored; masked fields only differ."""
    given = call.query(RowQuery)
    paging = call.paging(given, sorts=("number",), usual="number")
    async with call.reading() as work:
        found = await imports.rows(work, call.actor, call.id("import_id"), given, paging)
    return call.listing(found, paging)


@routes.get(
    ONE + "/rows.csv", "getImportRowsFile", "Fetch the report of an import", policy=MAY, query=TableQuery
)
async def table(call: Call) -> Response:
    """As CSV. Rejected rows stand in it with their own cells, to be corrected and sent again; a cell that a spreadsheet
    would run as a formula begins with an apostrophe, which is taken away when it comes back."""
    where = call.query(TableQuery)
    async with call.reading() as work:
        job = await imports.own(work, call.actor, call.id("import_id"))
        header = await work.imports.header(job.id)
    headers = {**PERSONAL, "Content-Disposition": f'attachment; filename="import-{job.id}.csv"'}
    return StreamingResponse(_pieces(call, job, header, where), 200, headers, media_type="text/csv")


@routes.post(
    ONE + "/cancel", "cancelImport", "Cancel an import",
    policy=MAY, answer=Import, status=200, errors=(409,),
)  # fmt: skip
async def cancel(call: Call) -> Response:
    """Stops it after the chunk of rows under way. What was taken until then stays."""
    async with call.writing() as work:
        found = await imports.cancel(work, call.actor, call.id("import_id"), now=call.now)
    return call.document(found, etag=False)


@routes.post(
    ONE + "/commit", "commitImport", "Import the file of a validation",
    policy=MAY, answer=Import, status=202, errors=(409,),
)  # fmt: skip
async def commit(call: Call) -> Response:
    """A new import of the same file, with mode `commit`. The file of a validation is kept for seven days. Again answers
    the import that was made, unless that failed or was cancelled."""
    async with call.writing() as work:
        made = await imports.commit(work, call.actor, call.id("import_id"), now=call.now)
    return _accepted(call, made)


@routes.post(
    ONE + "/resubmit", "resubmitImport", "Send the corrected rows of an import",
    policy=MAY, answer=Import, status=202, errors=(409,), most=BYTES, file=True,
)  # fmt: skip
async def resubmit(call: Call) -> Response:
    """A file with only the corrected rows, of the same kind and format, imported in the same mode: a new import, which
    names this one. CSV in the form of `rows.csv` is taken as it is: its `row_number` says which row a line corrects; without
    it the `record_id` does. Each row must be one that was rejected, and stand there once; else 409 `rows-not-rejected`
    names those that are not (`row/…`, as they are numbered in the file that was sent), and nothing is taken. What has a
    conflict is decided at the household, or by a correction; what was never reached is sent as a file of its own."""
    async with call.writing() as work:
        made = await imports.resubmit(
            work, call.actor, call.id("import_id"), call.upload, call.services.files, now=call.now
        )
    return _accepted(call, made)


def _accepted(call: Call, made: Document) -> Response:
    return call.json(made.text, status=202, headers={"Location": f"{IMPORTS}/{made.text[7:43].decode()}"})


_OWN = ("row_number", "outcome", "codes")


async def _pieces(call: Call, job: Job, header: Sequence[str], where: RowFilter) -> AsyncIterator[str]:
    # Rows of a report that came back have its columns already.
    kept = [at for at, name in enumerate(header) if name not in _OWN]
    header = [header[at] for at in kept]
    yield rows_as_csv([*header, *_OWN], [])
    async with call.services.works.reading(call.actor) as work:
        async for piece in work.imports.table(call.actor, job, where):
            text = rows_as_csv([*header, *_OWN], (_line(row, kept) for row in piece))
            yield text.partition("\r\n")[2]


def _line(row: TableRow, kept: Sequence[int]) -> list[str]:
    cells = [row.cells[at] if at < len(row.cells) else "" for at in kept]
    codes = "; ".join(
        f"{one['column']}: {one['code']}" if one["column"] else one["code"] for one in row.codes
    )
    return [*cells, str(row.number), row.outcome, codes]
