"""The five dimensions (contract 3)."""

from starlette.responses import Response

from api.rest.call import Call
from api.rest.operations import Routes
from api.rest.reference.answers import lasting
from domain.access.policy import Operation
from domain.kernel import Paging
from domain.reference import indicators
from domain.reference.indicator import Dimension

routes = Routes("reference")


@routes.get(
    "/v1/dimensions", "listDimensions", "List the five dimensions",
    policy=Operation.READ_REFERENCE, answer=Dimension, many=True, paged=False,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """In the order of the digits of a `dimension_mask`."""
    call.no_query()
    async with call.reading() as work:
        found = await indicators.dimensions(work, call.actor)
    return lasting(call, call.listing(found, Paging()))
