"""A household moves, or turns out to be a duplicate of another (contract 4, 9)."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.kernel import Document
from domain.registry import merges, moves
from domain.registry.household import Household
from domain.registry.relocation import HouseholdMerge, HouseholdMove

fields = Fields()


@fields.mutation("moveHousehold", Household, body=HouseholdMove, target="household_id")
async def move(call: Call, household_id: UUID, to: HouseholdMove) -> Document:
    """Old and new area are both yours; everything recorded about the household lies in the new area from then on."""
    async with call.writing() as work:
        return await moves.move(work, call.actor, household_id, to, now=call.now)


@fields.mutation("mergeHouseholds", Household, body=HouseholdMerge, target="household_id")
async def merge(call: Call, household_id: UUID, wanted: HouseholdMerge) -> Document:
    """What is the duplicate's becomes this household's; where both have something, this one's stands. It cannot be
    undone."""
    async with call.writing() as work:
        return await merges.merge(work, call.actor, household_id, wanted, now=call.now)
