"""Grants that break the glass (contract 2, 9)."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.access import grants
from domain.access.grants import AccessGrant, AccessGrantDraft
from domain.kernel import Document, Listing, Paging

fields = Fields()


@fields.by_id("accessGrant", AccessGrant)
async def grant(call: Call, id: UUID) -> Document:
    """One grant, open or run out."""
    async with call.reading() as work:
        return await grants.read(work, call.actor, id)


@fields.connection("accessGrants", AccessGrant)
async def browse(call: Call, paging: Paging) -> Listing:
    """The own agency's, oldest first; with audit:read every one of the caller's areas."""
    async with call.reading() as work:
        return await grants.browse(work, call.actor, paging)


@fields.mutation("createAccessGrant", AccessGrant, body=AccessGrantDraft)
async def ask(call: Call, draft: AccessGrantDraft) -> Document:
    """Opens a household to the caller's agency for three hours, for reading alone; recorded with its reason."""
    async with call.writing() as work:
        return await grants.ask(work, call.actor, draft, now=call.now)
