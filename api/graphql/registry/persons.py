"""Persons (contract 4, 9)."""

from uuid import UUID

import orjson

from api.graphql.context import Call
from api.graphql.fields import Fields
from api.graphql.loaders import Row
from domain.errors import NotFound
from domain.kernel import Document
from domain.registry import persons
from domain.registry.person import Person, PersonPatch

fields = Fields()


@fields.by_id("person", Person)
async def person(call: Call, id: UUID) -> Document:
    """One person, masked by the caller's rights."""
    async with call.reading() as work:
        return await persons.read(work, call.actor, id, now=call.now)


@fields.mutation("updatePerson", Person, body=PersonPatch, target="id", versioned=True)
async def amend(call: Call, id: UUID, patch: PersonPatch, *, version: int) -> Document:
    """Amends a person: absent keeps, null clears. A head marked deceased leaves the household incomplete."""
    naming = call.services.limits.naming(call.scope, call.actor.client_id, [patch.citizen_id])
    async with naming, call.writing() as work:
        return await persons.amend(work, call.actor, id, patch, version=version, now=call.now)


async def by_id(call: Call, ids: list[str]) -> list[Row | None]:
    """Persons by their ids; None for one that is absent or hidden."""
    found: list[Row | None] = []
    async with call.reading() as work:
        for id in ids:
            try:
                one = await persons.read(work, call.actor, UUID(id), now=call.now)
            except NotFound:
                found.append(None)
            else:
                found.append(orjson.loads(one.text))
    return found
