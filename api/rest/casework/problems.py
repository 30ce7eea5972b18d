"""Problems (contract 5). Never deleted."""

from starlette.responses import Response

from api.errors import HttpError
from api.rest.call import Call, Listed
from api.rest.operations import MERGE_PATCH, Routes
from domain.access.policy import Operation
from domain.casework import menu_matches, problems
from domain.casework.matching import MenuMatch
from domain.casework.problem import Problem, ProblemDraft, ProblemFilter, ProblemPatch, ProblemTransition

routes = Routes("problems")

FIND, WRITE = Operation.READ_PROBLEMS, Operation.WRITE_PROBLEMS
ONE = "/v1/problems/{problem_id}"


class ProblemListQuery(ProblemFilter, Listed):
    """Filters AND; a repeated one ORs. Orders: created_at (default), -created_at."""


@routes.post(
    "/v1/problems", "createProblem", "Record a problem or need",
    policy=WRITE, body=ProblemDraft, answer=Problem,
)  # fmt: skip
async def add(call: Call) -> Response:
    """It starts as `identified`. One that has come back names the earlier one in `recurrence_of`."""
    draft = await call.body(ProblemDraft)
    async with call.writing() as work:
        made = await problems.add(work, call.actor, draft, now=call.now)
    return call.created(made, "/v1/problems")


@routes.get(
    "/v1/problems", "listProblems", "List problems",
    policy=FIND, query=ProblemListQuery, answer=Problem, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """Problems in the caller's reach, oldest first."""
    given = call.query(ProblemListQuery)
    paging = call.paging(given)
    async with call.reading() as work:
        return call.listing(await problems.browse(work, call.actor, given, paging), paging)


@routes.get(ONE, "getProblem", "Read a problem with its history", policy=FIND, answer=Problem)
async def read(call: Call) -> Response:
    """`allowed` names the states this caller may move it to."""
    call.no_query()
    async with call.reading() as work:
        return call.document(await problems.read(work, call.actor, call.id("problem_id")))


@routes.patch(
    ONE, "patchProblem", "Amend a problem",
    policy=WRITE, body=ProblemPatch, answer=Problem, errors=(409,),
)  # fmt: skip
async def amend(call: Call) -> Response:
    """Merge patch (RFC 7396) of an open problem; its state moves by transitions only."""
    version, patch = call.expected_version(), await call.body(ProblemPatch, media=MERGE_PATCH)
    async with call.writing() as work:
        return call.document(
            await problems.amend(
                work, call.actor, call.id("problem_id"), patch, version=version, now=call.now
            )
        )


@routes.delete(
    ONE, "deleteProblem", "Refused: problems are permanent", policy=FIND, status=405, errors=(405,)
)
async def delete(call: Call) -> Response:
    """Always 405 `problems-are-permanent` (001 §5.4). A wrong entry is moved to `entered_in_error`."""
    raise HttpError(
        405,
        "problems-are-permanent",
        "Problems are never deleted; move a wrong entry to entered_in_error.",
        headers={"Allow": "GET, HEAD, PATCH"},
    )


@routes.post(
    ONE + "/transitions", "transitionProblem", "Move a problem to another state",
    policy=Operation.MOVE_PROBLEMS, body=ProblemTransition, answer=Problem, status=200, errors=(409,),
)  # fmt: skip
async def transition(call: Call) -> Response:
    """A move that needs somebody else's word is kept as `proposed_status`. Closed is final."""
    move = await call.body(ProblemTransition)
    async with call.writing() as work:
        moved = await problems.transition(work, call.actor, call.id("problem_id"), move, now=call.now)
    return call.document(moved)


@routes.get(
    ONE + "/menu-matches", "listMenuMatches", "Rank the menus that answer a problem",
    policy=FIND, answer=MenuMatch, many=True, paged=False,
)  # fmt: skip
async def matches(call: Call) -> Response:
    """Every condition with its verdict, and the units that act at the household's area. A person decides."""
    call.no_query()
    async with call.reading() as work:
        return call.json(await menu_matches.read(work, call.actor, call.id("problem_id"), now=call.now))
