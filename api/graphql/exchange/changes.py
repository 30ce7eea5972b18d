"""The change feed (contract 7, 9)."""

from typing import Annotated

from pydantic import Field

from api.graphql.context import Call
from api.graphql.fields import Fields
from domain.exchange.changes import ChangePage, ChangeQuery, ChangeType, check_page
from domain.kernel import Value

fields = Fields()


class ChangeArguments(Value):
    after: Annotated[str | None, Field(max_length=400)] = None
    """The `next` of the page before, or the feed position of an export. Absent: from the oldest change that is kept.
    `latest`: from now on."""
    types: Annotated[list[ChangeType], Field(max_length=len(ChangeType))] = []
    """Only these; without it all that the caller may read."""
    limit: int = 50
    """Changes on the page, 1 to 200."""


@fields.query("changes", ChangePage, args=ChangeArguments)
async def follow(call: Call, given: ChangeArguments) -> bytes:
    """What has changed, in the order of commits; the cursors are those of `GET /v1/changes`, which can also wait."""
    check_page(given.limit, named="limit")
    query = ChangeQuery(after=given.after, types=given.types, limit=given.limit)
    return await call.services.feed.page(call.reading, call.actor, query)
