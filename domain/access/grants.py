"""Break the glass: three hours of reading one household that the caller's agency is not assigned to (contract 2).

What a grant opens is reading alone, masked as ever without persons:pii, and inside the caller's own provinces: the first
two digits of its areas. It cannot be taken back or prolonged: it runs out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import Field

from domain.access.actor import Actor
from domain.access.policy import Operation, Reach, admit
from domain.errors import Conflict, Invalid, NotFound
from domain.kernel import Document, Listing, Paging, Text, Value
from domain.registry.free_text import personal_data_faults

LASTS = timedelta(hours=3)
MOST_OPEN = 20
"""Grants that one agency may have running at once (assumed): the glass is for emergencies."""


class AccessGrantDraft(Value):
    household_id: UUID
    reason: Annotated[Text, Field(min_length=10, max_length=500)]
    """Why this household has to be read now, 10 to 500 characters; no names, no citizen ids."""


class AccessGrant(Value):
    id: UUID
    household_id: UUID
    agency: Annotated[str, Field(max_length=64)]
    """Whose reading is opened."""
    client_id: Annotated[str, Field(max_length=64)]
    reason: Annotated[str, Field(max_length=500)]
    granted_at: datetime
    expires_at: datetime


class TooManyGrants(Conflict):
    code = "too-many-grants"

    def __init__(self) -> None:
        super().__init__(f"Your agency has {MOST_OPEN} open grants; wait until one runs out.")


class GrantStore(Protocol):
    """`provinces` are prefixes of two digits, or the empty one for the country."""

    async def add(
        self,
        reach: Reach,
        grant_id: UUID,
        draft: AccessGrantDraft,
        *,
        provinces: Sequence[str],
        most: int,
        now: datetime,
        expires_at: datetime,
    ) -> Document | None:
        """None for a household outside the provinces. Raises TooManyGrants."""
        ...

    async def get(self, reach: Reach, grant_id: UUID, *, provinces: Sequence[str]) -> Document | None: ...
    async def page(self, reach: Reach, paging: Paging, *, provinces: Sequence[str]) -> Listing:
        """The own agency's in the provinces, and with audit:read every one of the areas."""
        ...


class HasGrants(Protocol):
    @property
    def grants(self) -> GrantStore: ...
    def new_id(self) -> UUID: ...


def provinces_of(actor: Actor) -> list[str]:
    """The provinces of the client's areas; the empty prefix is the country."""
    return sorted({prefix[:2] for prefix in actor.prefixes})


async def ask(work: HasGrants, actor: Actor, draft: AccessGrantDraft, *, now: datetime) -> Document:
    """Opens a household to the caller's agency; recorded also where it could read it already.

    Raises NotFound, Invalid `personal-data`, TooManyGrants.
    """
    reach = admit(actor, Operation.BREAK_GLASS)
    if faults := personal_data_faults({"reason": draft.reason}):
        raise Invalid("The reason has a fault; see errors.", faults=faults)
    granted = await work.grants.add(
        reach, work.new_id(), draft,
        provinces=provinces_of(actor), most=MOST_OPEN, now=now, expires_at=now + LASTS,
    )  # fmt: skip
    if granted is None:
        raise NotFound
    return granted


async def read(work: HasGrants, actor: Actor, grant_id: UUID) -> Document:
    """One grant, run out or not. Raises NotFound."""
    reach = admit(actor, Operation.READ_GRANTS)
    found = await work.grants.get(reach, grant_id, provinces=provinces_of(actor))
    if found is None:
        raise NotFound
    return found


async def browse(work: HasGrants, actor: Actor, paging: Paging) -> Listing:
    """The own agency's grants, and with audit:read those of the caller's areas."""
    reach = admit(actor, Operation.READ_GRANTS)
    return await work.grants.page(reach, paging, provinces=provinces_of(actor))
