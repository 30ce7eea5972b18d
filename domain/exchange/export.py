"""An export: what is asked for, what becomes of it, and the values a caller reads (contract 7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from domain.access.actor import Actor
from domain.access.policy import Operation
from domain.assistance.event import AssistanceEvent
from domain.casework.assignment import Assignment
from domain.casework.problem import Problem
from domain.errors import Conflict, DomainError
from domain.kernel import AreaCode, Moment, Value
from domain.registry.household import Household

MOST_INLINE = 10_000
"""Entries that `deleted` itself holds; more of them are a file of their own."""


class ExportType(StrEnum):
    HOUSEHOLDS = "households"
    PROBLEMS = "problems"
    ASSIGNMENTS = "assignments"
    ASSISTANCE_EVENTS = "assistance_events"

    @property
    def read_by(self) -> Operation:
        """Whoever may not list these may not export them."""
        return _READ_BY[self]

    @property
    def resource(self) -> type[BaseModel]:
        """What one row is: the item of the list."""
        return _RESOURCES[self]


_READ_BY = {
    ExportType.HOUSEHOLDS: Operation.READ_HOUSEHOLDS,
    ExportType.PROBLEMS: Operation.READ_PROBLEMS,
    ExportType.ASSIGNMENTS: Operation.READ_ASSIGNMENTS,
    ExportType.ASSISTANCE_EVENTS: Operation.READ_ASSISTANCE,
}
_RESOURCES: dict[ExportType, type[BaseModel]] = {
    ExportType.HOUSEHOLDS: Household,
    ExportType.PROBLEMS: Problem,
    ExportType.ASSIGNMENTS: Assignment,
    ExportType.ASSISTANCE_EVENTS: AssistanceEvent,
}


class OutputType(StrEnum):
    """What a file holds: rows of the export's type, or the ids that have gone."""

    HOUSEHOLDS = "households"
    PROBLEMS = "problems"
    ASSIGNMENTS = "assignments"
    ASSISTANCE_EVENTS = "assistance_events"
    DELETED = "deleted"


class ExportFormat(StrEnum):
    NDJSON = "ndjson"
    PARQUET = "parquet"
    CSV = "csv"


MEDIA_TYPES = {
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
    ExportFormat.CSV: "text/csv; charset=utf-8",
}


class ExportStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (ExportStatus.QUEUED, ExportStatus.RUNNING)


class ExportFault(StrEnum):
    """Why an export failed."""

    CLIENT_REVOKED = "client-revoked"
    INSUFFICIENT_SCOPE = "insufficient-scope"
    OUTSIDE_YOUR_AREAS = "outside-your-areas"
    INTERNAL_ERROR = "internal-error"


class ExportDraft(Value):
    """What to export."""

    type: ExportType
    area: AreaCode | None = None
    """One area, inside the client's own; absent: all of them."""
    since: Moment | None = None
    """Only what has changed since: the `transaction_time` of the export before. Absent: everything."""
    format: ExportFormat = ExportFormat.NDJSON


class ExportFile(Value):
    """One file. Complete and unchanging; its ETag is its SHA-256."""

    type: OutputType
    url: Annotated[str, Field(max_length=200)]
    """Where it is, relative to the service; it needs the token of the client that asked."""
    count: Annotated[int, Field(ge=0)]
    """Rows."""
    size: Annotated[int, Field(ge=0)]
    """Bytes."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    part: Annotated[int, Field(ge=1, le=2)]


class DeletedResource(Value):
    """Something to let go of: a voided event, or a household that was merged away or has left the export's area or
    the caller's assignments. A household takes with it everything that belongs to it."""

    type: Annotated[str, Field(max_length=64)]
    """`household` or `assistance_event`."""
    id: UUID


class Export(Value):
    """An export and what it has made: a state of the whole at one instant."""

    id: UUID
    type: ExportType
    area: Annotated[str | None, Field(max_length=8)]
    """Null: all areas of the client."""
    format: ExportFormat
    since: datetime | None
    status: ExportStatus
    error_code: Annotated[str | None, Field(max_length=64)]
    """Why it failed: `client-revoked`, `insufficient-scope`, `outside-your-areas` (what the client may do has changed
    meanwhile) or `internal-error`."""
    unmasked: bool
    """Asked for with persons:pii and a purpose: names, ids and phones stand there in full."""
    transaction_time: datetime | None
    """The instant whose state it is; give it as `since` next time."""
    feed_position: Annotated[str | None, Field(max_length=400)]
    """For `after` of /v1/changes: the export and the feed from here on are an exact copy. Some changes may be in
    both, none in neither."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    """From then on the files are gone."""
    output: Annotated[list[ExportFile], Field(max_length=2)]
    deleted: Annotated[list[DeletedResource], Field(max_length=MOST_INLINE)]
    """With `since`: what to let go of before the rows are taken over. More than 10,000 are a file of the type
    `deleted`."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many exports one client may have under way, and how long the files of one are kept."""

    most: int = 5
    kept: timedelta = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Order:
    """What a job has to do; `actor` is the client as it asked."""

    id: UUID
    actor: Actor
    type: ExportType
    area: str | None
    format: ExportFormat
    since: datetime | None
    status: ExportStatus
    unmasked: bool
    kept: timedelta
    file_ids: tuple[UUID, UUID]
    """Of the rows and of the deleted: the same whichever attempt writes them."""


@dataclass(frozen=True, slots=True)
class Made:
    """One finished file, about to be listed; `key` opens it."""

    id: UUID
    type: OutputType
    part: int
    count: int
    size: int
    sha256: str
    key: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file as it is fetched."""

    id: UUID
    key: str
    size: int
    sha256: str
    type: OutputType
    format: ExportFormat
    export_type: ExportType
    unmasked: bool

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[ExportFormat.NDJSON if self.type is OutputType.DELETED else self.format]

    @property
    def name(self) -> str:
        """For Content-Disposition."""
        extension = ExportFormat.NDJSON if self.type is OutputType.DELETED else self.format
        return f"{self.type}.{extension}"


class TooManyExports(Conflict):
    code = "too-many-exports"

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} exports of this client are under way; wait for one, or cancel one.")


class ExportExpired(DomainError):
    """The files have been kept for their time, and are gone."""

    code = "export-expired"

    def __init__(self) -> None:
        super().__init__("The files of this export have run their time; ask for a new one.")
