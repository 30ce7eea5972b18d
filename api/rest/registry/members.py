"""The members of a household (contract 4): each answer is the household, with its new version."""

from starlette.responses import Response

from api.limits.rates import RateClass
from api.rest.call import Call
from api.rest.operations import MERGE_PATCH, Routes
from domain.access.policy import Operation
from domain.registry import members
from domain.registry.household import Household
from domain.registry.member import HeadChange, MemberJoin, MemberLeaving, MemberPatch

routes = Routes("households")

WRITE = Operation.WRITE_HOUSEHOLDS
ALL = "/v1/households/{household_id}/members"
ONE = ALL + "/{person_id}"


@routes.post(
    ALL, "addMember", "Add a member to a household",
    policy=WRITE, body=MemberJoin, answer=Household, errors=(409,),
)  # fmt: skip
async def join(call: Call) -> Response:
    """A new person, or one who is known and a current member nowhere. `Location` is the person. Naming a citizen id
    is a lookup, whoever has it."""
    draft = await call.body(MemberJoin)
    if draft.citizen_id is not None:
        await call.services.limits.admit(call.request.scope, RateClass.LOOKUP, call.actor.client_id)
    async with call.writing() as work:
        id, made = await members.join(work, call.actor, call.id("household_id"), draft, now=call.now)
    return call.document(made, status=201, location=f"/v1/persons/{id}")


@routes.patch(ONE, "patchMember", "Amend a membership", policy=WRITE, body=MemberPatch, answer=Household)
async def amend(call: Call) -> Response:
    """Merge patch (RFC 7396) of a current membership; If-Match names the household's version."""
    version, patch = call.expected_version(), await call.body(MemberPatch, media=MERGE_PATCH)
    of, who = call.id("household_id"), call.id("person_id")
    async with call.writing() as work:
        return call.document(
            await members.amend(work, call.actor, of, who, patch, version=version, now=call.now)
        )


@routes.delete(ONE, "endMembership", "End a membership", policy=WRITE, body=MemberLeaving, answer=Household)
async def end(call: Call) -> Response:
    """What was recorded stays. Without its head a household is incomplete until a new one is named."""
    leaving = await call.body(MemberLeaving)
    of, who = call.id("household_id"), call.id("person_id")
    async with call.writing() as work:
        return call.document(await members.end(work, call.actor, of, who, leaving, now=call.now))


@routes.post(
    "/v1/households/{household_id}/change-head", "changeHead", "Name the head of a household",
    policy=WRITE, body=HeadChange, answer=Household, status=200,
)  # fmt: skip
async def change_head(call: Call) -> Response:
    """A living current member. What the former head is to the new one follows; the others stay as recorded."""
    change = await call.body(HeadChange)
    async with call.writing() as work:
        return call.document(
            await members.change_head(work, call.actor, call.id("household_id"), change, now=call.now)
        )
