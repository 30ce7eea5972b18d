"""The caller itself (contract 2, 9)."""

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.access.me import Access, access_of

fields = Fields()


@fields.query("me", Access)
async def me(call: Call) -> Access:
    """Client, agency, scopes, areas and masked fields of the token."""
    return access_of(call.actor, call.services.limits.told)
