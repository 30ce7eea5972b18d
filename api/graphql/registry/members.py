"""The members of a household (contract 4, 9)."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.limits.rates import RateClass
from domain.kernel import Document
from domain.registry import members
from domain.registry.household import Household
from domain.registry.member import HeadChange, MemberJoin, MemberLeaving, MemberPatch

fields = Fields()


class UpdateMember(MemberPatch):
    person_id: UUID


class EndMembership(MemberLeaving):
    person_id: UUID


@fields.mutation("addMember", Household, body=MemberJoin, target="household_id")
async def join(call: Call, household_id: UUID, draft: MemberJoin) -> Document:
    """A new person, or one who is known and a current member nowhere."""
    if draft.citizen_id is not None:
        await call.services.limits.admit(call.scope, RateClass.LOOKUP, call.actor.client_id)
    async with call.writing() as work:
        _, made = await members.join(work, call.actor, household_id, draft, now=call.now)
    return made


@fields.mutation("updateMember", Household, body=UpdateMember, target="household_id", versioned=True)
async def amend(call: Call, household_id: UUID, patch: UpdateMember, *, version: int) -> Document:
    """Amends a current membership; `version` is the household's."""
    who = patch.person_id
    async with call.writing() as work:
        return await members.amend(work, call.actor, household_id, who, patch, version=version, now=call.now)


@fields.mutation("endMembership", Household, body=EndMembership, target="household_id")
async def end(call: Call, household_id: UUID, leaving: EndMembership) -> Document:
    """What was recorded stays. Without its head a household is incomplete until a new one is named."""
    who = leaving.person_id
    async with call.writing() as work:
        return await members.end(work, call.actor, household_id, who, leaving, now=call.now)


@fields.mutation("changeHead", Household, body=HeadChange, target="household_id")
async def change_head(call: Call, household_id: UUID, change: HeadChange) -> Document:
    """A living current member. What the former head is to the new one follows; the others stay as recorded."""
    async with call.writing() as work:
        return await members.change_head(work, call.actor, household_id, change, now=call.now)
