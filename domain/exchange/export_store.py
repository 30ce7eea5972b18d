"""What the use cases of exports need of their store."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from domain.access.actor import Actor
from domain.access.policy import Reach
from domain.exchange.changes import Position
from domain.exchange.export import Allowance, ExportDraft, ExportFault, Made, Order, StoredFile
from domain.kernel import Document, Listing, Paging

if TYPE_CHECKING:
    # Jobs know the unit of work, which knows this store.
    from domain.exchange.jobs import FileWriter

Proceed = Callable[[], Awaitable[None]]
"""Asked between chunks; raises to stop."""


@dataclass(frozen=True, slots=True)
class Read:
    """Whose unmasked data a row holds."""

    household_id: UUID
    area_code: str
    person_ids: Sequence[UUID]


Logged = Callable[[Sequence[Read]], Awaitable[None]]


class ExportStore(Protocol):
    async def add(
        self,
        actor: Actor,
        export_id: UUID,
        draft: ExportDraft,
        *,
        unmasked: bool,
        allowance: Allowance,
        file_ids: Sequence[UUID],
        now: datetime,
    ) -> Document:
        """Queued, with its job. Raises TooManyExports."""
        ...

    async def kept_since(self) -> datetime:
        """From when on the feed still knows what has changed."""
        ...

    async def get(self, reach: Reach, export_id: UUID) -> Document | None:
        """The client's own, inside the areas it has now."""
        ...

    async def page(self, reach: Reach, paging: Paging) -> Listing: ...
    async def cancel(self, reach: Reach, export_id: UUID, *, now: datetime) -> bool:
        """Whether it was under way."""
        ...

    async def file(self, reach: Reach, export_id: UUID, part: int, *, now: datetime) -> StoredFile | None:
        """Raises ExportExpired."""
        ...

    # For the job

    async def order(self, export_id: UUID) -> Order | None: ...
    async def begin(self, export_id: UUID, *, now: datetime) -> bool:
        """Whether it is (still) to be made."""
        ...

    async def under_way(self, export_id: UUID) -> bool: ...
    async def instant(self) -> datetime:
        """When the transaction under way began: what committed before is in its snapshot."""
        ...

    async def write(
        self,
        reach: Reach,
        order: Order,
        file: "FileWriter",
        *,
        since: datetime | None,
        now: datetime,
        proceed: Proceed,
        logged: Logged,
    ) -> int:
        """Writes the rows in the order's format, by their ids; how many. `logged` hears whose data is about to be
        written unmasked, before it is."""
        ...

    async def gone(self, reach: Reach, order: Order, *, since: datetime, most: int) -> list[tuple[str, UUID]]:
        """What left since, at most so many: type and id."""
        ...

    async def write_gone(
        self, reach: Reach, order: Order, file: "FileWriter", *, since: datetime, proceed: Proceed
    ) -> int: ...
    async def log(self, actor: Actor, log_id: UUID, rows: Sequence[Read], *, now: datetime) -> None: ...
    async def finish(
        self,
        order: Order,
        files: Sequence[Made],
        deleted: Sequence[tuple[str, UUID]],
        *,
        transaction_time: datetime,
        position: Position,
        view: str,
        now: datetime,
    ) -> bool:
        """Whether it was still wanted."""
        ...

    async def fail(self, export_id: UUID, fault: ExportFault, *, now: datetime) -> None: ...
    async def unfinished(self) -> Sequence[UUID]: ...
    async def expired(self, *, now: datetime, most: int) -> Sequence[UUID]:
        """Files of exports past their time; their rows go. Also exports that ended long ago are forgotten."""
        ...
