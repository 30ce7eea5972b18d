"""๔ท analyses of a household (contract 5)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.casework import analyses
from domain.casework.problem import Analysis, AnalysisDraft

routes = Routes("analyses")

ALL = "/v1/households/{household_id}/analyses"


@routes.post(
    ALL, "createAnalysis", "Record a ๔ท analysis",
    policy=Operation.WRITE_PROBLEMS, body=AnalysisDraft, answer=Analysis,
)  # fmt: skip
async def add(call: Call) -> Response:
    """Attitude, skills, resources, way out: with one missing it is kept as incomplete."""
    draft = await call.body(AnalysisDraft)
    async with call.writing() as work:
        made = await analyses.add(work, call.actor, call.id("household_id"), draft, now=call.now)
    return call.document(made, status=201, etag=False)


@routes.get(
    ALL, "listAnalyses", "List the analyses of a household",
    policy=Operation.READ_PROBLEMS, query=Listed, answer=Analysis, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """Oldest first; `sort=-created_at` for the latest."""
    paging = call.paging(call.query(Listed))
    async with call.reading() as work:
        return call.listing(await analyses.browse(work, call.actor, call.id("household_id"), paging), paging)
