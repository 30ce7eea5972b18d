"""Agencies (contract 3, 9)."""

from api.graphql import connections
from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.kernel import Code, Document, Listing, Paging, Value
from domain.reference import agencies
from domain.reference.agency import Agency, AgencyDraft, AgencyFilter, AgencyPatch

fields = Fields()


class AgencyKey(Value):
    code: Code


@fields.query("agency", Agency, args=AgencyKey)
async def agency(call: Call, given: AgencyKey) -> Document:
    """One agency."""
    async with call.reading() as work:
        return await agencies.read(work, call.actor, given.code)


@fields.connection("agencies", Agency, filter=AgencyFilter, keys=connections.BY_CODE)
async def browse(call: Call, where: AgencyFilter, paging: Paging) -> Listing:
    """National bodies, and the units that act at a place, by code."""
    async with call.reading() as work:
        return await agencies.browse(work, call.actor, where, paging)


@fields.mutation("createAgency", Agency, body=AgencyDraft)
async def add(call: Call, draft: AgencyDraft) -> Document:
    """Adds an agency; needs clients:admin."""
    async with call.writing() as work:
        return await agencies.add(work, call.actor, draft, now=call.now)


@fields.mutation("updateAgency", Agency, body=AgencyPatch, target="code", kind=str, versioned=True)
async def amend(call: Call, code: str, patch: AgencyPatch, *, version: int) -> Document:
    """Amends an agency; from then on no reference file overwrites it."""
    async with call.writing() as work:
        return await agencies.amend(work, call.actor, code, patch, version=version, now=call.now)
