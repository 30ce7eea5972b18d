"""What is derived from a household's record: its history and its target group (contract 4)."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from api.rest.call import Call, Listed
from api.rest.operations import Routes
from domain.access.policy import Operation
from domain.kernel import Value
from domain.registry import history, target_groups
from domain.registry.history import HistoryEntry
from domain.registry.target_group import DerivedGroup

routes = Routes("households")

READ = Operation.READ_HOUSEHOLD_RECORD
NEWEST_FIRST = ("-created_at",)


class HistoryQuery(Listed):
    sort: str = NEWEST_FIRST[0]


class TargetGroupQuery(Value):
    fiscal_year: Annotated[int, Field(ge=2500, le=2700)] | None = None
    """Buddhist era; absent: the current one."""


@routes.get(
    "/v1/households/{household_id}/history", "listHouseholdHistory", "List what has changed in a household",
    policy=READ, query=HistoryQuery, answer=HistoryEntry, many=True,
)  # fmt: skip
async def browse(call: Call) -> Response:
    """Field by field, newest first, and in no other order (`sort=-created_at`): of the household, of its members, and
    of what was merged into it. Values of names, birth dates, citizen ids and phones are not kept (`masked`)."""
    paging = call.paging(call.query(HistoryQuery), sorts=NEWEST_FIRST)
    async with call.reading() as work:
        return call.listing(await history.browse(work, call.actor, call.id("household_id"), paging), paging)


@routes.get(
    "/v1/households/{household_id}/target-group", "getTargetGroup", "Derive the target group of a household",
    policy=READ, query=TargetGroupQuery, answer=DerivedGroup,
)  # fmt: skip
async def target_group(call: Call) -> Response:
    """By the last survey up to the fiscal year, and the members, cards, income and sources of today."""
    year, of = call.query(TargetGroupQuery).fiscal_year, call.id("household_id")
    async with call.reading() as work:
        found = await target_groups.derive(work, call.actor, of, year, now=call.now)
    return call.json(found.model_dump_json().encode())
