"""Persons (contract 4)."""

from starlette.responses import Response

from api.rest.call import Call
from api.rest.operations import MERGE_PATCH, Routes
from domain.access.policy import Operation
from domain.registry import persons
from domain.registry.person import Person, PersonPatch

routes = Routes("persons")


@routes.get(
    "/v1/persons/{person_id}", "getPerson", "Read a person", policy=Operation.READ_HOUSEHOLDS, answer=Person
)
async def read(call: Call) -> Response:
    """Masked by the caller's rights."""
    call.no_query()
    async with call.reading() as work:
        return call.document(await persons.read(work, call.actor, call.id("person_id"), now=call.now))


@routes.patch(
    "/v1/persons/{person_id}", "patchPerson", "Amend a person",
    policy=Operation.WRITE_HOUSEHOLDS, body=PersonPatch, answer=Person, errors=(409,),
)  # fmt: skip
async def amend(call: Call) -> Response:
    """Merge patch (RFC 7396). A head marked deceased leaves the household incomplete."""
    version, patch = call.expected_version(), await call.body(PersonPatch, media=MERGE_PATCH)
    naming = call.services.limits.naming(call.request.scope, call.actor.client_id, [patch.citizen_id])
    async with naming, call.writing() as work:
        return call.document(
            await persons.amend(work, call.actor, call.id("person_id"), patch, version=version, now=call.now)
        )
