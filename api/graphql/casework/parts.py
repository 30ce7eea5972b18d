"""What an assignment and a menu match reach beyond their own fields (contract 9)."""

from api.graphql.casework import menus, problems
from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row
from api.graphql.registry import households
from domain.casework.assignment import Assignment
from domain.casework.matching import MenuMatch
from domain.casework.menus import Menu
from domain.casework.problem import Problem
from domain.registry.household import Household

fields = Fields()


@fields.edge(Assignment, "household", Household)
async def household_of(call: Call, assignment: Row) -> Row | None:
    """The household it is for; needs households:read or households:read.assigned."""
    found: Row | None = await call.load(households.by_id, assignment["household_id"])
    return found


@fields.edge(Assignment, "problems", Problem, many=True)
async def problems_of(call: Call, assignment: Row) -> list[Row]:
    """The problems it covers, oldest first; needs problems:read."""
    rows: list[Row] = await call.load(problems.by_household, assignment["household_id"])
    return [row for row in rows if row["id"] in assignment["problem_ids"]]


@fields.edge(Assignment, "menu", Menu)
async def menu_of_assignment(call: Call, assignment: Row) -> Row | None:
    """What is to be offered; needs menus:read."""
    return await _menu(call, assignment["menu_code"])


@fields.edge(MenuMatch, "menu", Menu)
async def menu_of_match(call: Call, match: Row) -> Row | None:
    """The menu that was judged; needs menus:read."""
    return await _menu(call, match["menu_code"])


async def _menu(call: Call, code: str | None) -> Row | None:
    found: Row | None = None if code is None else await call.load(menus.by_code, code)
    return found
