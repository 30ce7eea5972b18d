"""Assignments (contract 5, 9)."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row, everything, grouped
from domain.casework import assignments
from domain.casework.assignment import Assignment, AssignmentDraft, AssignmentFilter, AssignmentTransition
from domain.kernel import Document, Listing, Paging

fields = Fields()


@fields.by_id("assignment", Assignment)
async def assignment(call: Call, id: UUID) -> Document:
    """One assignment with its history; `allowed` names the states this caller may move it to."""
    async with call.reading() as work:
        return await assignments.read(work, call.actor, id, now=call.now)


@fields.connection("assignments", Assignment, filter=AssignmentFilter)
async def browse(call: Call, where: AssignmentFilter, paging: Paging) -> Listing:
    """Assignments in the caller's reach; an agency without households:read sees its own."""
    async with call.reading() as work:
        return await assignments.browse(work, call.actor, where, paging, now=call.now)


@fields.mutation("createAssignment", Assignment, body=AssignmentDraft)
async def make(call: Call, draft: AssignmentDraft) -> Document:
    """A decider's starts at `assigned` and its problems follow; a team's starts at `proposed`."""
    async with call.writing() as work:
        return await assignments.make(work, call.actor, draft, now=call.now)


@fields.mutation("transitionAssignment", Assignment, body=AssignmentTransition, target="id")
async def transition(call: Call, id: UUID, move: AssignmentTransition) -> Document:
    """Moves an assignment; an escalation makes the one of the agency that takes over."""
    async with call.writing() as work:
        return await assignments.transition(work, call.actor, id, move, now=call.now)


async def by_household(call: Call, ids: list[str]) -> list[list[Row]]:
    """The assignments of each household."""
    where = AssignmentFilter.model_construct(household_id=[UUID(id) for id in ids])
    async with call.reading() as work:
        rows = await everything(
            lambda paging: assignments.browse(work, call.actor, where, paging, now=call.now)
        )
    return grouped(ids, rows, "household_id")
