"""๔ท analyses of a household (contract 5, 9)."""

from functools import partial
from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row, everything
from domain.casework import analyses
from domain.casework.problem import Analysis, AnalysisDraft
from domain.errors import NotFound
from domain.kernel import Document

fields = Fields()


@fields.mutation("createAnalysis", Analysis, body=AnalysisDraft, target="household_id")
async def add(call: Call, household_id: UUID, draft: AnalysisDraft) -> Document:
    """Adds a ๔ท analysis; with one of the four parts missing it is kept as incomplete."""
    async with call.writing() as work:
        return await analyses.add(work, call.actor, household_id, draft, now=call.now)


async def by_household(call: Call, ids: list[str]) -> list[list[Row]]:
    """The analyses of each household; none where the household is absent or hidden."""
    found = []
    async with call.reading() as work:
        for id in ids:
            fetch = partial(analyses.browse, work, call.actor, UUID(id))
            try:
                found.append(await everything(fetch))
            except NotFound:
                found.append([])
    return found
