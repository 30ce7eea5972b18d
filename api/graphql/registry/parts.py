"""What a household, and a person, reach beyond their own fields (contract 9)."""

from api.graphql.assistance import events
from api.graphql.casework import analyses, assignments, problems
from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row
from api.graphql.registry import households
from domain.assistance.event import AssistanceEvent
from domain.casework.assignment import Assignment
from domain.casework.problem import Analysis, Problem
from domain.registry.household import Household
from domain.registry.person import Person

fields = Fields()


@fields.edge(Household, "problems", Problem, many=True)
async def problems_of(call: Call, household: Row) -> list[Row]:
    """All its problems, oldest first; needs problems:read."""
    found: list[Row] = await call.load(problems.by_household, household["id"])
    return found


@fields.edge(Household, "analyses", Analysis, many=True)
async def analyses_of(call: Call, household: Row) -> list[Row]:
    """All its ๔ท analyses, oldest first; needs problems:read."""
    found: list[Row] = await call.load(analyses.by_household, household["id"])
    return found


@fields.edge(Household, "assignments", Assignment, many=True)
async def assignments_of(call: Call, household: Row) -> list[Row]:
    """All its assignments, oldest first; needs assignments:read."""
    found: list[Row] = await call.load(assignments.by_household, household["id"])
    return found


@fields.edge(Household, "assistance", AssistanceEvent, many=True)
async def assistance_of(call: Call, household: Row) -> list[Row]:
    """What it was given, oldest first; needs assistance:read."""
    found: list[Row] = await call.load(events.by_household, household["id"])
    return found


@fields.edge(Person, "household", Household)
async def household_of(call: Call, person: Row) -> Row | None:
    """Where the person is registered."""
    found: Row | None = await call.load(households.by_id, person["household_id"])
    return found
