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
    """It is for a person to decide, and what is stored stands: a team has said otherwise than a source, or two sources
    name different houses or heads, which no import settles."""
    SETTLED = "settled"
    """By the order of trust; a person may decide otherwise."""
    RESOLVED = "resolved"
    """By a person."""


class Choice(StrEnum):
    STORED = "stored"
    GIVEN = "given"
    VALUE = "value"


class FieldConflict(Value):
    """Two sources, one field."""

    id: UUID
    household_id: UUID
    person_id: UUID | None
    """Null: a field of the household."""
    field: Annotated[str, Field(max_length=100)]
    masked: bool
    """Both values are withheld: without persons:pii the field is masked."""
    stored: FieldValue
    """What stood there when the other was given; of a field that may be masked, what stands there now."""
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
    """With `choose: value`, and needed there: in the form in which the field is patched; null clears it."""
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
    """As stored, locked for a decision; a masked value is None unless it was opened."""

    id: UUID
    household_id: UUID
    area_code: str
    person_id: UUID | None
    field: str
    given: Any
    status: ConflictStatus
    choice: Choice | None
    settled_by: str | None
    chosen_hash: bytes | None
    """Of the third value that a person has decided on."""


class ConflictStore(Protocol):
    async def page(
        self, reach: Reach, household_id: UUID, where: ConflictFilter, paging: Paging, *, now: datetime
    ) -> Listing | None:
        """None when the household is absent or out of reach; the access log row is written with it."""
        ...

    async def provenance(self, reach: Reach, household_id: UUID) -> Document | None: ...

    async def view(self, reach: Reach, conflict_id: UUID, *, now: datetime) -> Document | None:
        """As in the list, with its access log row."""
        ...

    async def hold(
        self, reach: Reach, household_id: UUID, conflict_id: UUID, *, opened: bool
    ) -> HeldConflict | None:
        """Locks it until the transaction ends; None when absent or outside the caller's areas. `opened`: with what is
        masked, for whoever may see it."""
        ...

    async def resolve(
        self,
        reach: Reach,
        held: HeldConflict,
        choice: Choice,
        reason: str,
        *,
        chosen: bytes | None,
        now: datetime,
    ) -> None:
        """`chosen`: of a third value what `hashed` makes of it."""
        ...

    def hashed(self, held: HeldConflict, said: str) -> bytes:
        """Under a key that never changes; of this conflict alone."""
        ...
