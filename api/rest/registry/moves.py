"""A household moves, or turns out to be a duplicate of another (contract 4)."""

from starlette.responses import Response

from api.rest.call import Call
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.registry import merges, moves
from domain.registry.household import Household
from domain.registry.relocation import HouseholdMerge, HouseholdMove

routes = Routes("households")

WRITE = Operation.WRITE_HOUSEHOLDS


@routes.post(
    "/v1/households/{household_id}/move", "moveHousehold", "Move a household to another place",
    policy=WRITE, body=HouseholdMove, answer=Household, status=200,
)  # fmt: skip
async def move(call: Call) -> Response:
    """Old and new area are both yours. Everything recorded about the household lies in the new area from then on;
    its assignments stay with their agencies, also with those that act at the old place alone."""
    to = await call.body(HouseholdMove)
    async with call.writing() as work:
        return call.document(await moves.move(work, call.actor, call.id("household_id"), to, now=call.now))


@routes.post(
    "/v1/households/{household_id}/merge", "mergeHouseholds", "Fold a duplicate into a household",
    policy=WRITE, body=HouseholdMerge, answer=Household, status=200, errors=(409,),
)  # fmt: skip
async def merge(call: Call) -> Response:
    """Members, problems, analyses, assignments, assistance and results of the duplicate become this household's;
    where both have something, this one's stands. Every path of the duplicate answers 308 to this one from then on.
    It cannot be undone."""
    wanted = await call.body(HouseholdMerge)
    async with call.writing() as work:
        return call.document(
            await merges.merge(work, call.actor, call.id("household_id"), wanted, now=call.now)
        )
