"""What has changed in a household, field by field, who did it and when (contract 4).

Masked for everybody alike: names, birth dates, citizen ids and phones are not kept here, so that nobody can read what
a person was called before; that they have changed is told. What was done while the household lay in an area that is
not the caller's stays with that area.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.access.actor import Actor
from domain.access.policy import Operation, admit
from domain.errors import NotFound
from domain.kernel import Listing, Paging, Value
from domain.work import UnitOfWork


class HistoryEntry(Value):
    """One field of one change."""

    id: UUID
    """Of the change: its fields share it."""
    at: datetime
    client_id: Annotated[str, Field(max_length=64)]
    agency: Annotated[str, Field(max_length=64)]
    action: Annotated[str, Field(max_length=64)]
    """What was done, e.g. `household.updated`, `person.updated`, `household.moved`, `household.merged`."""
    resource_id: UUID
    """Of the household or person."""
    field: Annotated[str, Field(max_length=200)]
    """As the resource names it; of a membership `members/{person_id}/{field}`."""
    before: Any | None
    after: Any | None
    masked: bool
    """It has changed, and its values are not kept."""


async def browse(work: UnitOfWork, actor: Actor, household_id: UUID, paging: Paging) -> Listing:
    """The changes of a household, of its members and of what was merged into it, newest first. Raises NotFound."""
    found = await work.history.page(admit(actor, Operation.READ_HOUSEHOLD_RECORD), household_id, paging)
    if found is None:
        raise NotFound
    return found
