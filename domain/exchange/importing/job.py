"""An import and its report: as a caller reads them, and as the job holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.access.actor import COUNTRY, Actor, Scope
from domain.exchange.reading.kinds import ImportFormat, ImportKind
from domain.kernel import Value

OPERATOR = "operator"
"""Asks on the command line."""


class ImportMode(StrEnum):
    VALIDATE = "validate"
    """The same verdicts and report; nothing else is written."""
    COMMIT = "commit"


class ImportStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTLY_SUCCEEDED = "partly_succeeded"
    """Some rows were rejected or left a conflict."""
    FAILED = "failed"
    """The file as a whole could not be read, or the client was revoked; see `error`."""
    CANCELLED = "cancelled"


UNDER_WAY = (ImportStatus.QUEUED, ImportStatus.RUNNING)


class RowOutcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    """A value was not taken because another source, or a team, says otherwise; see `diff`."""
    REJECTED = "rejected"


class ImportQuery(Value):
    """What the file of `POST /v1/imports` is."""

    kind: ImportKind
    format: ImportFormat = ImportFormat.CSV
    mode: ImportMode = ImportMode.VALIDATE
    mapping: Annotated[str, Field(pattern=r"^[a-z0-9_\-]{1,60}$")] | None = None
    """A column layout by name; without it the header is recognised."""


class ImportProgress(Value):
    rows_read: int
    rows_total: int | None
    """Null until the file was read through once."""


class ImportCounts(Value):
    created: int
    updated: int
    unchanged: int
    conflict: int
    rejected: int


class ImportError(Value):
    code: Annotated[str, Field(max_length=64)]
    detail: Annotated[str, Field(max_length=500)]


class Import(Value):
    id: UUID
    kind: ImportKind
    format: ImportFormat
    mode: ImportMode
    mapping: str | None
    status: ImportStatus
    progress: ImportProgress
    counts: ImportCounts
    error: ImportError | None
    resubmits: UUID | None
    """The import whose rejected rows this one brings again."""
    validated_by: UUID | None
    """The validation that this import commits."""
    sha256: Annotated[str, Field(max_length=64)]
    size: int
    """Bytes of the file."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RowCode(Value):
    column: Annotated[str, Field(max_length=100)]
    """Of our own columns; empty: the row as a whole."""
    code: Annotated[str, Field(max_length=64)]
    detail: Annotated[str, Field(max_length=500)]


class FieldDifference(Value):
    field: Annotated[str, Field(max_length=100)]
    masked: bool
    """The values differ and are not shown."""
    stored: bool | int | float | str | list[str] | None
    given: bool | int | float | str | list[str] | None
    taken: bool
    """The given value stands now."""


class ImportRow(Value):
    number: int
    """As a spreadsheet shows it: the header is row 1. In NDJSON the line."""
    record_id: str | None
    outcome: RowOutcome
    codes: list[RowCode]
    diff: list[FieldDifference]
    household_id: UUID | None
    person_id: UUID | None


class RowFilter(Value):
    outcome: Annotated[list[RowOutcome], Field(max_length=5)] = []


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived, under its own id."""

    file_id: UUID
    size: int
    sha256: str
    key: str


@dataclass(frozen=True, slots=True)
class Job:
    """An import as its worker holds it."""

    id: UUID
    client_id: str
    agency: str
    scopes: frozenset[str]
    areas: tuple[str, ...]
    request_id: str
    kind: ImportKind
    format: ImportFormat
    mode: ImportMode
    mapping: str | None
    status: ImportStatus
    file_id: UUID
    file_key: str
    size: int
    sha256: str
    last_number: int
    rows_total: int | None
    created_at: datetime

    @property
    def actor(self) -> Actor:
        """Whoever asked for it, without a purpose: a job reads nothing unmasked."""
        scopes = frozenset(scope for scope in Scope if scope in self.scopes)
        return Actor(self.client_id, self.agency, scopes, self.areas, 0, "", None, self.request_id)

    def is_of(self, actor: Actor) -> bool:
        """Whether it is the caller's own, inside the areas that it has now."""
        areas = ("" if area == COUNTRY else area for area in self.areas)
        return (self.client_id, self.agency) == (actor.client_id, actor.agency) and all(
            map(actor.covers, areas)
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a client may do now."""

    enabled: bool
    scopes: frozenset[str]
    areas: tuple[str, ...]


@dataclass(slots=True)
class Reported:
    """What becomes of one row."""

    number: int
    outcome: RowOutcome
    record_id: str | None = None
    codes: tuple[Mapping[str, str], ...] | list[Mapping[str, str]] = ()
    diff: Sequence[Mapping[str, Any]] = ()
    household_id: UUID | None = None
    person_id: UUID | None = None
    area_code: str = ""
    key: bytes | None = None
    content: bytes | None = None
    cells: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    number: int
    outcome: str
    record_id: str | None
    codes: Sequence[Mapping[str, str]]
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows that a report has rejected, of those that were asked for."""

    numbers: Mapping[int, str | None]
    """With their record ids."""
    record_ids: Mapping[str, int]
    """How many rows had them."""


def narrowed(job: Job, standing: Standing | None) -> Job | None:
    """The job within what its client may still do; None where it may do nothing of it any more."""
    if standing is None:
        # Only who works on the command line is no client.
        return job if job.client_id == OPERATOR else None
    scopes = job.scopes & standing.scopes
    if not standing.enabled or Scope.IMPORTS_WRITE not in scopes:
        return None
    if job.kind is ImportKind.ASSISTANCE and Scope.ASSISTANCE_WRITE not in scopes:
        return None
    return replace(job, scopes=scopes, areas=_both(job.areas, standing.areas))


def _both(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """The areas that lie in both."""
    if "*" in one or "*" in other:
        return tuple(other if "*" in one else one)
    found = {mine for mine in one for theirs in other if mine.startswith(theirs)}
    found |= {theirs for mine in one for theirs in other if theirs.startswith(mine)}
    return tuple(sorted(found))
