"""What every subject is made of: frozen values, and the scalar shapes of the wire."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)
from pydantic_core import PydanticCustomError

from domain.thai import clean

NIL = UUID(int=0)
"""Stands for "no household" where a key must start with one."""


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but for line breaks and tabs, and halves of surrogate pairs: PostgreSQL stores no NUL."""
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


class Value(BaseModel):
    """A frozen value; attribute docstrings become the descriptions of OpenAPI and GraphQL."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _clean(text: str) -> str:
    if _CONTROL.search(text):
        raise PydanticCustomError("control-character", "Remove control characters.")
    return clean(text).strip()


def _money(value: object) -> object:
    """Amounts arrive as numbers or decimal strings; a float goes through its shortest text."""
    if isinstance(value, Decimal) or (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        return Decimal(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    raise PydanticCustomError("wrong-type", "An amount is a number or a decimal string.")


def _moment(value: datetime) -> datetime:
    """In UTC; the first and the last day of the calendar have times that no other zone can say."""
    if not 1 < value.year < 9999:
        raise PydanticCustomError("out-of-range", "The time is out of range.")
    return value.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
"""A time with a zone, RFC 3339."""
Line = Annotated[str, AfterValidator(_clean), Field(min_length=1, max_length=200)]
"""One line of text, NFC, 1 to 200 characters."""
Text = Annotated[str, AfterValidator(_clean), Field(min_length=1, max_length=4000)]
"""Free text, NFC, 1 to 4,000 characters."""
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", min_length=1, max_length=64)]
"""A code of the reference data, in its own form."""
AreaCode = Annotated[str, Field(pattern=r"^(?:[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8})$")]
"""DOPA digits: province 2, district 4, subdistrict 6, village 8."""
PlaceCode = Annotated[str, Field(pattern=r"^(?:[0-9]{6}|[0-9]{8})$")]
"""The area of a household: subdistrict or village."""
HouseCode = Annotated[str, Field(pattern=r"^[0-9]{11}$")]
"""The 11-digit house registration number (no public check digit)."""
FiscalYear = Annotated[int, Field(ge=2500, le=2700, strict=True)]
"""Buddhist era: 2569 is 1 October 2025 to 30 September 2026."""
Money = Annotated[
    Decimal,
    # Bounds of the decimal itself are Pydantic's to check, without Python; its schema forgets the places, though.
    Field(
        ge=0,
        le=Decimal("9999999999.99"),
        max_digits=12,
        decimal_places=2,
        allow_inf_nan=False,
        json_schema_extra={"decimal_places": 2},
    ),
    BeforeValidator(_money),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str),
]
"""Baht; a decimal string on the wire, numbers accepted on input, two decimals."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Evidence(Value):
    """A document or picture kept elsewhere; the service stores where it is and what it hashes to."""

    uri: Annotated[
        str, AfterValidator(_clean), Field(pattern=r"^(?:https://|s3://|urn:)\S+$", max_length=1000)
    ]
    sha256: Sha256
    media_type: Annotated[str, Field(pattern=r"^[a-z0-9.+\-]+/[a-z0-9.+\-]+$", max_length=100)] = (
        "application/octet-stream"
    )
    caption: Line | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A resource as finished JSON text, masked for its reader, with the version its ETag names."""

    text: bytes
    version: int
    unmasked: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """What a store needs of a page: `after` is the keyset of the last item seen."""

    limit: int = 50
    after: tuple[str, ...] | None = None
    sort: str = "created_at"
    count: str | None = None
    """`exact` or `estimated`."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page as finished JSON text (an array); `last` is where the next page starts, None at the end."""

    items: bytes
    last: tuple[str, ...] | None = None
    total: int | None = None


class Trail(NamedTuple):
    """What a write leaves behind it, in its own transaction: a line of the feed and one of the audit."""

    household_id: UUID
    area_code: str | None
    type: str
    """household, problem, assignment, assistance_event, …"""
    resource_id: UUID
    action: str
    version: int
    agency: str | None = None
    changes: dict[str, object] = {}
    """Field names and values, never a citizen id, name or phone."""
