"""Problems (contract 5, 9). Never deleted."""

from uuid import UUID

import orjson

from api.graphql.casework import assignments
from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row, everything, grouped
from api.graphql.registry import households, persons
from domain.casework import menu_matches, problems
from domain.casework.assignment import Assignment
from domain.casework.matching import MenuMatch
from domain.casework.problem import Problem, ProblemDraft, ProblemFilter, ProblemPatch, ProblemTransition
from domain.kernel import Document, Listing, Paging, Value
from domain.registry.household import Household
from domain.registry.person import Person

fields = Fields()


class OfProblem(Value):
    problem_id: UUID


@fields.by_id("problem", Problem)
async def problem(call: Call, id: UUID) -> Document:
    """One problem with its history."""
    async with call.reading() as work:
        return await problems.read(work, call.actor, id)


@fields.connection("problems", Problem, filter=ProblemFilter)
async def browse(call: Call, where: ProblemFilter, paging: Paging) -> Listing:
    """Problems in the caller's reach, in the order of creation unless asked otherwise."""
    async with call.reading() as work:
        return await problems.browse(work, call.actor, where, paging)


@fields.query("menuMatches", MenuMatch, args=OfProblem, many=True)
async def matches(call: Call, given: OfProblem) -> bytes:
    """The menus that answer a problem, best first, every condition with its verdict. A person decides."""
    async with call.reading() as work:
        return await menu_matches.read(work, call.actor, given.problem_id, now=call.now)


@fields.mutation("createProblem", Problem, body=ProblemDraft)
async def add(call: Call, draft: ProblemDraft) -> Document:
    """Records an `identified` problem. One that has come back names the earlier one as recurrenceOf."""
    async with call.writing() as work:
        return await problems.add(work, call.actor, draft, now=call.now)


@fields.mutation("updateProblem", Problem, body=ProblemPatch, target="id", versioned=True)
async def amend(call: Call, id: UUID, patch: ProblemPatch, *, version: int) -> Document:
    """Amends an open problem; its state moves by transitions only."""
    async with call.writing() as work:
        return await problems.amend(work, call.actor, id, patch, version=version, now=call.now)


@fields.mutation("transitionProblem", Problem, body=ProblemTransition, target="id")
async def transition(call: Call, id: UUID, move: ProblemTransition) -> Document:
    """Moves a problem. A move that needs somebody else's word is kept as proposedStatus."""
    async with call.writing() as work:
        return await problems.transition(work, call.actor, id, move, now=call.now)


async def by_household(call: Call, ids: list[str]) -> list[list[Row]]:
    """The problems of each household."""
    where = ProblemFilter.model_construct(household_id=[UUID(id) for id in ids])
    async with call.reading() as work:
        rows = await everything(lambda paging: problems.browse(work, call.actor, where, paging))
    return grouped(ids, rows, "household_id")


@fields.edge(Problem, "household", Household)
async def household_of(call: Call, problem: Row) -> Row | None:
    """Whose problem it is; needs households:read."""
    found: Row | None = await call.load(households.by_id, problem["household_id"])
    return found


@fields.edge(Problem, "person", Person)
async def person_of(call: Call, problem: Row) -> Row | None:
    """The member concerned; null: the household as a whole."""
    if problem["person_id"] is None:
        return None
    found: Row | None = await call.load(persons.by_id, problem["person_id"])
    return found


@fields.edge(Problem, "assignments", Assignment, many=True)
async def assignments_of(call: Call, problem: Row) -> list[Row]:
    """The assignments that cover it, oldest first; needs assignments:read."""
    rows: list[Row] = await call.load(assignments.by_household, problem["household_id"])
    return [row for row in rows if problem["id"] in row["problem_ids"]]


@fields.edge(Problem, "menuMatches", MenuMatch, many=True)
async def matches_of(call: Call, problem: Row) -> list[Row]:
    """The menus that answer it, best first. Each problem is judged by itself: dear in a list."""
    found: list[Row] = await call.load(matched, problem["id"])
    return found


async def matched(call: Call, ids: list[str]) -> list[list[Row]]:
    """The menu matches of each problem."""
    async with call.reading() as work:
        return [orjson.loads(await menu_matches.read(work, call.actor, UUID(id), now=call.now)) for id in ids]
