"""Areas (contract 3)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from api.rest.reference.answers import code_of, lasting
from domain.access.policy import Operation
from domain.reference import areas
from domain.reference.area import Area, AreaFilter

routes = Routes("reference")

READ = Operation.READ_REFERENCE
SORTS = ("code",)


class AreaListQuery(AreaFilter, Listed):
    """Filters AND; a repeated one ORs. Order: code."""

    sort: str | None = "code"


@routes.get("/v1/areas", "listAreas", "List areas", policy=READ, query=AreaListQuery, answer=Area, many=True)
async def browse(call: Call) -> Response:
    """Those in use, by code; `include_abolished=true` adds the others."""
    given = call.query(AreaListQuery)
    paging = call.paging(given, sorts=SORTS)
    async with call.reading() as work:
        found = await areas.browse(work, call.actor, given, paging)
    return lasting(call, call.listing(found, paging))


@routes.get("/v1/areas/{code}", "getArea", "Read an area", policy=READ, answer=Area)
async def read(call: Call) -> Response:
    """Abolished ones too, with the areas that took their place."""
    call.no_query()
    async with call.reading() as work:
        found = await areas.read(work, call.actor, code_of(call, "code"))
    return lasting(call, call.document(found, etag=False))
