"""Indicators (contract 3)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from api.rest.reference.answers import code_of, lasting
from domain.access.policy import Operation
from domain.reference import indicators
from domain.reference.indicator import Indicator, IndicatorFilter

routes = Routes("reference")

READ = Operation.READ_REFERENCE
SORTS = ("number",)


class IndicatorListQuery(IndicatorFilter, Listed):
    """Filters AND; a repeated one ORs. Order: framework, edition, number."""

    sort: str | None = "number"


@routes.get(
    "/v1/indicators", "listIndicators", "List indicators",
    policy=READ, query=IndicatorListQuery, answer=Indicator, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """จปฐ. of both editions, then กชช.๒ค, each by its number."""
    given = call.query(IndicatorListQuery)
    paging = call.paging(given, sorts=SORTS)
    async with call.reading() as work:
        found = await indicators.browse(work, call.actor, given, paging)
    return lasting(call, call.listing(found, paging))


@routes.get(
    "/v1/indicators/{indicator_id}", "getIndicator", "Read an indicator",
    policy=READ, answer=Indicator,
)  # fmt: skip
async def read(call: Call) -> Response:
    """By its id, e.g. bmn-38-27."""
    call.no_query()
    async with call.reading() as work:
        found = await indicators.read(work, call.actor, code_of(call, "indicator_id"))
    return lasting(call, call.document(found, etag=False))
