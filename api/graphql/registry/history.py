"""What is derived from a household's record: its history and its target group (contract 4, 9)."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.kernel import Listing, Paging, Value
from domain.registry import history, target_groups
from domain.registry.history import HistoryEntry
from domain.registry.target_group import DerivedGroup

fields = Fields()
KEYS = {"-created_at": ("at", "id", "field")}


class TargetGroupArguments(Value):
    household_id: UUID
    fiscal_year: Annotated[int, Field(ge=2500, le=2700)] | None = None
    """Buddhist era; absent: the current one."""


@fields.connection("householdHistory", HistoryEntry, owner="id", keys=KEYS)
async def browse(call: Call, household_id: UUID, paging: Paging) -> Listing:
    """What has changed in a household, its members, and what was merged into it, field by field, newest first."""
    async with call.reading() as work:
        return await history.browse(work, call.actor, household_id, paging)


@fields.query("targetGroup", DerivedGroup, args=TargetGroupArguments)
async def target_group(call: Call, of: TargetGroupArguments) -> DerivedGroup:
    """The target group of a household in a fiscal year, and why."""
    async with call.reading() as work:
        return await target_groups.derive(work, call.actor, of.household_id, of.fiscal_year, now=call.now)
