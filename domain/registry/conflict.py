"""A conflict of two sources, and where fields come from: as a caller reads them, and what they ask of a store."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field

from domain.access.policy import Reach
from domain.kernel import Document, Listing, Paging, Text, Value

FieldValue = bool | int | float | str | list[str] | None


class ConflictStatus(StrEnum):
    OPEN = "open"
    """A team has said otherwise than a source: it is for a person to decide; what the team said stands."""
    SETTLED = "settled"
    """By the order of trust; a person may decide otherwise."""
    RESOLVED = "resolved"
    """By a person."""


class Choice(StrEnum):
    STORED = "stored"
    GIVEN = "given"
    VALUE = "value"


class FieldConflict(Value):
    """Two sources, one field. `masked` values are shown to nobody here: read the person."""

    id: UUID
    household_id: UUID
    person_id: UUID | None
    """Null: a field of the household."""
    field: Annotated[str, Field(max_length=100)]
    masked: bool
    stored: FieldValue
    stored_source: Annotated[str, Field(max_length=40)]
    """`team`, or a source of /v1/codes/data_source."""
    stored_seen_on: date | None
    given: FieldValue
    given_source: Annotated[str, Field(max_length=40)]
    given_seen_on: date | None
    import_id: UUID | None
    row_number: int | None
    status: ConflictStatus
    choice: Choice | None
    reason: Annotated[str, Field(max_length=500)] | None
    settled_by: Annotated[str, Field(max_length=64)] | None
    """`trust_order`, or the client that decided."""
    settled_at: datetime | None
    created_at: datetime


class ConflictResolution(Value):
    """Which value is to stand."""

    choose: Choice
    value: FieldValue = None
    """With `value`: in the form in which the field is patched."""
    reason: Annotated[Text, Field(max_length=500)]
    """Why; no names, no citizen ids."""


class ConflictFilter(Value):
    status: Annotated[list[ConflictStatus], Field(max_length=3)] = []


class FieldOrigin(Value):
    field: Annotated[str, Field(max_length=100)]
    source: Annotated[str, Field(max_length=40)]
    """`team`, or a source of /v1/codes/data_source."""
    seen_on: date | None


class MemberOrigins(Value):
    person_id: UUID
    fields: list[FieldOrigin]


class Provenance(Value):
    """Where each field that has a value comes from."""

    household_id: UUID
    fields: list[FieldOrigin]
    members: list[MemberOrigins]


@dataclass(frozen=True, slots=True)
class HeldConflict:
    """As stored, locked for a decision; `given` is opened where it was sealed and the caller may see it."""

    id: UUID
    household_id: UUID
    area_code: str
    person_id: UUID | None
    field: str
    given: Any
    status: ConflictStatus


class ConflictStore(Protocol):
    async def page(
        self, reach: Reach, household_id: UUID, where: ConflictFilter, paging: Paging
    ) -> Listing | None:
        """None when the household is absent or out of reach."""
        ...

    async def provenance(self, reach: Reach, household_id: UUID) -> Document | None: ...

    async def view(self, reach: Reach, conflict_id: UUID) -> Document | None: ...

    async def hold(self, reach: Reach, household_id: UUID, conflict_id: UUID) -> HeldConflict | None: ...

    async def resolve(
        self, reach: Reach, held: HeldConflict, choice: Choice, reason: str, *, now: datetime
    ) -> None: ...
