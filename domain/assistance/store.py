"""What assistance asks of its stores: one statement records an event with all its effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.access.policy import Reach
from domain.assistance.event import AssistanceType, EventDraft, EventFilter, HouseholdRef, QueueFilter
from domain.casework.problem import ProblemDimension
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
    async def queue(self, reach: Reach, event_id: UUID, draft: EventDraft, *, now: datetime) -> Recorded:
        """Keeps an event until its household appears; records it where that has just appeared. In a transaction."""
        ...

    async def link_queued(self, reach: Reach, household_id: UUID, *, now: datetime) -> int:
        """Records the queued events that were waiting for this household; how many. To be asked for after
        whatever may have brought a household, or a name for it: last in its transaction."""
        ...

    async def confirm(self, reach: Reach, household_id: UUID, assignment_id: UUID, *, now: datetime) -> int:
        """The help against an assignment that was confirmed is confirmed with it; how many events."""
        ...

    async def view(self, reach: Reach, event_id: UUID) -> Document | None: ...
    async def by_external_id(self, reach: Reach, external_id: str) -> Document | None:
        """The newest version of the caller's own agency's."""
        ...

    async def page(self, reach: Reach, where: EventFilter, paging: Paging) -> Listing: ...
    async def receipt(self, reach: Reach, event_id: UUID) -> Document | None:
        """Of the agency's own event also where its household has left the areas that it was recorded in."""
        ...


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """An event locked for the rest of the transaction."""

    id: UUID
    agency: str
    household_id: UUID | None
    """None while it waits in the queue of unknown households."""
    status: str
    superseded_by: UUID | None
    content: EventDraft
    """What was said; of what names the household, its id alone."""


class CorrectionStore(Protocol):
    async def hold(self, reach: Reach, event_id: UUID) -> HeldEvent | None:
        """An event in the caller's areas, of whichever agency, or the own agency's that still waits."""
        ...

    async def void(self, reach: Reach, held: HeldEvent, reason: str, *, now: datetime) -> Document: ...
    async def supersede(
        self,
        reach: Reach,
        held: HeldEvent,
        event_id: UUID,
        draft: EventDraft,
        changed: frozenset[str],
        reason: str,
        *,
        now: datetime,
    ) -> Recorded:
        """Verdict `created` with the new version, or why not; only what has changed is looked up again."""
        ...


class CheckStore(Protocol):
    async def overlap(
        self,
        reach: Reach,
        household: HouseholdRef,
        assistance_type: AssistanceType | None,
        dimension: ProblemDimension | None,
        since: date,
    ) -> bytes | None:
        """`[{agency, month}]` as JSON, empty for an unknown household too; None where two have the identifier."""
        ...


class QueueStore(Protocol):
    async def page(self, reach: Reach, where: QueueFilter, paging: Paging) -> Listing: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one event of a batch."""

    verdict: str
    id: UUID | None = None
    """Of the event that is recorded under the key."""


class BatchStore(Protocol):
    async def judge(self, reach: Reach, drafts: Sequence[EventDraft]) -> Sequence[Judged]:
        """What recording them in this order would come to; only what is recorded already has an id."""
        ...

    async def record(self, reach: Reach, drafts: Sequence[EventDraft], *, now: datetime) -> Sequence[Judged]:
        """Records those that are good, with every effect of a single post. In a transaction."""
        ...
