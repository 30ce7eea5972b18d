"""What imports ask of their stores."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from io import RawIOBase
from typing import Any, Protocol
from uuid import UUID

from domain.access.actor import Actor
from domain.exchange.importing.job import (
    ImportQuery,
    ImportStatus,
    Job,
    Rejected,
    Reported,
    RowFilter,
    Standing,
    TableRow,
    Upload,
)
from domain.exchange.importing.state import Carried, Found, Plan, Sought
from domain.exchange.reading.rows import CleanRow
from domain.kernel import Document, Listing, Paging

Prepared = Any
"""What `IntakeStore.prepare` makes: the store's own."""


class ImportStore(Protocol):
    async def add(
        self,
        actor: Actor,
        import_id: UUID,
        asked: ImportQuery,
        upload: Upload,
        *,
        resubmits: UUID | None = None,
        validated_by: UUID | None = None,
        now: datetime,
    ) -> None:
        """Also asks for the job."""
        ...

    async def view(self, actor: Actor, import_id: UUID) -> Document | None:
        """The caller's own alone."""
        ...

    async def page(self, actor: Actor, paging: Paging) -> Listing: ...

    async def job(self, import_id: UUID, *, lock: bool = False) -> Job | None: ...

    async def standing(self, client_id: str) -> Standing | None:
        """None: no such client."""
        ...

    async def begin(
        self, import_id: UUID, *, rows_total: int, mapping: str | None, now: datetime
    ) -> None: ...

    async def advance(self, job: Job, last_number: int, prepared: Prepared, header: Sequence[str]) -> None:
        """Counts the rows and writes their report."""
        ...

    async def finish(
        self,
        import_id: UUID,
        status: ImportStatus | None,
        *,
        error: Mapping[str, str] | None = None,
        now: datetime,
    ) -> None:
        """`None`: succeeded, or partly where rows were rejected or left a conflict. Nothing when it is final."""
        ...

    async def file_is_needed(self, file_id: UUID) -> bool:
        """By another import, or by this one to be committed."""
        ...

    async def needless_files(self, file_ids: Sequence[UUID], *, ended_before: datetime) -> Sequence[UUID]:
        """Of these the ones of imports that all ended before, and those that nothing names, exports included."""
        ...

    async def unfinished(self, most: int) -> Sequence[UUID]: ...

    async def take_turn(self) -> bool:
        """Chunks of all imports are applied one after the other: waits a while, and tells whether it is this one's.

        It stays so until `leave_turn`, or the end of the connection.
        """
        ...

    async def leave_turn(self) -> None: ...

    async def turn_is_awaited(self) -> bool:
        """Whether another import waits for it."""
        ...

    async def committed(self, job: Job) -> UUID | None:
        """The import that commits this validation; one that failed or was cancelled is none."""
        ...

    async def rows(self, actor: Actor, import_id: UUID, where: RowFilter, paging: Paging) -> Listing: ...

    async def rejected(self, import_id: UUID, numbers: Sequence[int], record_ids: Sequence[str]) -> Rejected:
        """Of these row numbers, and of the rows with these record ids, the rejected ones."""
        ...

    def table(self, actor: Actor, job: Job, where: RowFilter) -> AsyncIterator[Sequence[TableRow]]:
        """The report with the cells of the rows that were not taken, in pieces; every piece a read of its own."""
        ...

    async def header(self, import_id: UUID) -> Sequence[str]:
        """The column names of its file; empty before the first chunk."""
        ...

    def inspect(self, file: RawIOBase, job: Job) -> tuple[int, str | None]:
        """Rows and layout of the whole file. Raises UnreadableFile."""
        ...

    def chunks(self, file: RawIOBase, job: Job, *, today: date) -> Iterator[list[CleanRow]]:
        """The rows after the job's last number. Raises UnreadableFile."""
        ...


class IntakeStore(Protocol):
    """The registry as a chunk of rows meets it, within the client's areas."""

    async def places(self) -> Collection[str]:
        """Codes of all areas down to the subdistrict."""
        ...

    def sought(self, job: Job, rows: Sequence[CleanRow]) -> Sought:
        """What to look for. Arithmetic alone, as is `prepare`: both may run in a thread."""
        ...

    async def find(self, job: Job, what: Sought, ahead: Carried, *, results: bool) -> Found:
        """What the rows may be about; with `results` the stored indicator results as well.

        `ahead`: what the chunk before leaves, while it is not committed.
        """
        ...

    def prepare(
        self, job: Job, what: Sought, plan: Plan, reported: Sequence[Reported], *, now: datetime
    ) -> Prepared:
        """The plan and the report as what is sent to the database; the plan's records are not read again."""
        ...

    async def claim(self, prepared: Prepared, *, keep: bool) -> Collection[str]:
        """Takes the citizen ids for the persons that are there, all or none; those that are somebody's already.

        Without `keep` they are only tried, and those of new persons with them.
        """
        ...

    async def write(self, prepared: Prepared, *, now: datetime) -> Collection[str]:
        """Everything of a chunk, with its feed and audit rows; also links help that waited for new households.

        Citizen ids of new persons that are somebody's already: where there are any, the attempt is to be undone.
        Raises Raced where somebody else has changed one of the records since `find`.
        """
        ...

    def attempt(self) -> AbstractAsyncContextManager[None]:
        """What is written inside is undone when it raises; Raced also stands for a deadlock."""
        ...


class Raced(Exception):
    """Somebody else has changed what was found: look again."""

    def __init__(self, citizen_ids: Collection[str] = ()) -> None:
        """`citizen_ids` that have turned out to be somebody's."""
        super().__init__(len(citizen_ids))
        self.citizen_ids = citizen_ids
