"""Assignments (contract 5)."""

from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.casework import assignments
from domain.casework.assignment import Assignment, AssignmentDraft, AssignmentFilter, AssignmentTransition

routes = Routes("assignments")

ONE = "/v1/assignments/{assignment_id}"


class AssignmentListQuery(AssignmentFilter, Listed):
    """Filters AND; a repeated one ORs. Orders: created_at (default), -created_at."""


@routes.post(
    "/v1/assignments", "createAssignment", "Assign problems to an agency",
    policy=Operation.MAKE_ASSIGNMENTS, body=AssignmentDraft, answer=Assignment, errors=(409,),
)  # fmt: skip
async def make(call: Call) -> Response:
    """A decider's starts at `assigned` and its problems follow; a team's starts at `proposed`."""
    draft = await call.body(AssignmentDraft)
    async with call.writing() as work:
        made = await assignments.make(work, call.actor, draft, now=call.now)
    return call.created(made, "/v1/assignments")


@routes.get(
    "/v1/assignments", "listAssignments", "List assignments",
    policy=Operation.READ_ASSIGNMENTS, query=AssignmentListQuery, answer=Assignment, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """Assignments in the caller's reach, oldest first; an agency without households:read sees its own."""
    given = call.query(AssignmentListQuery)
    paging = call.paging(given)
    async with call.reading() as work:
        return call.listing(await assignments.browse(work, call.actor, given, paging, now=call.now), paging)


@routes.get(
    ONE, "getAssignment", "Read an assignment with its history",
    policy=Operation.READ_ASSIGNMENTS, answer=Assignment,
)  # fmt: skip
async def read(call: Call) -> Response:
    """`allowed` names the states this caller may move it to."""
    call.no_query()
    async with call.reading() as work:
        return call.document(await assignments.read(work, call.actor, call.id("assignment_id"), now=call.now))


@routes.post(
    ONE + "/transitions", "transitionAssignment", "Move an assignment to another state",
    policy=Operation.MOVE_ASSIGNMENTS, body=AssignmentTransition, answer=Assignment,
    status=200, errors=(409,),
)  # fmt: skip
async def transition(call: Call) -> Response:
    """An escalation makes the assignment of the agency that takes over, named in `escalated_to`."""
    move = await call.body(AssignmentTransition)
    async with call.writing() as work:
        moved = await assignments.transition(work, call.actor, call.id("assignment_id"), move, now=call.now)
    return call.document(moved)
