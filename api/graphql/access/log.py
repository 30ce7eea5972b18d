"""Who read a person's data (contract 2, 9)."""

from uuid import UUID

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.access import log
from domain.access.log import AccessLogEntry
from domain.kernel import Listing, Paging

fields = Fields()
KEYS = {"-created_at": ("id",)}


@fields.connection("personAccessLog", AccessLogEntry, owner="id", keys=KEYS)
async def browse(call: Call, person_id: UUID, paging: Paging) -> Listing:
    """Who read this person's unmasked data, newest first; needs audit:read."""
    async with call.reading() as work:
        return await log.browse(work, call.actor, person_id, paging)
