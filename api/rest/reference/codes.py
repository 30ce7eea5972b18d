"""Code lists (contract 3)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from api.rest.reference.answers import code_of, lasting
from domain.access.policy import Operation
from domain.kernel import Paging
from domain.reference import codes
from domain.reference.code import CodeEntry, CodeList

routes = Routes("reference")

READ = Operation.READ_REFERENCE
SORTS = ("sequence",)


class CodeListQuery(Listed):
    """Order: that of the list."""

    sort: str | None = "sequence"


@routes.get(
    "/v1/codes", "listCodeLists", "List the code lists",
    policy=READ, answer=CodeList, many=True, paged=False,
)  # fmt: skip
async def lists(call: Call) -> Response:
    """Every vocabulary of the API, by name."""
    call.no_query()
    async with call.reading() as work:
        found = await codes.lists(work, call.actor)
    return lasting(call, call.listing(found, Paging()))


@routes.get(
    "/v1/codes/{list}", "listCodes", "Read a code list",
    policy=READ, query=CodeListQuery, answer=CodeEntry, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """Codes as they stand on the wire, with Thai and English names."""
    paging = call.paging(call.query(CodeListQuery), sorts=SORTS)
    async with call.reading() as work:
        found = await codes.browse(work, call.actor, code_of(call, "list"), paging)
    return lasting(call, call.listing(found, paging))
