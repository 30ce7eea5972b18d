"""What assistance asks of its store: one statement records an event with all its effects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.access.policy import Reach
from domain.assistance.event import EventDraft, EventFilter
from domain.kernel import Document, Listing, Paging


@dataclass(frozen=True, slots=True)
class Recorded:
    """The verdict of the one statement."""

    verdict: str
    """created, duplicate, queued, or why not: external-id-conflict, unknown-household,
    ambiguous-identifier, unknown-assignment, assignment-closed, unknown-problem, unknown-beneficiary,
    unknown-menu."""
    text: bytes = b""
    """The event as JSON."""
    household_id: str | None = None


class EventStore(Protocol):
    async def record(self, reach: Reach, event_id: UUID, draft: EventDraft, *, now: datetime) -> Recorded: ...
    async def queue(self, reach: Reach, event_id: UUID, draft: EventDraft, *, now: datetime) -> Recorded: ...
    async def link_queued(self, reach: Reach, household_id: UUID, *, now: datetime) -> int:
        """Records the queued events that were waiting for this household; how many."""
        ...

    async def view(self, reach: Reach, event_id: UUID) -> Document | None: ...
    async def by_external_id(self, reach: Reach, external_id: str) -> Document | None:
        """The caller's own agency's."""
        ...

    async def page(self, reach: Reach, where: EventFilter, paging: Paging) -> Listing: ...
    async def receipt(self, reach: Reach, event_id: UUID) -> Document | None: ...
