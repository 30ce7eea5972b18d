"""Where a household goes: to another place, or into the household that it is a duplicate of (contract 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.kernel import HouseCode, PlaceCode, Text, Value
from domain.registry.deprivation import Answer
from domain.registry.held import Held
from domain.registry.household import Address, Location


class HouseholdMove(Value):
    """Where to, and when. What is said of the house and not of the people is of the new house: without a house code
    and a location there is none until somebody says it."""

    area_code: PlaceCode
    address: Address
    moved_on: date
    """Never in the future."""
    house_code: HouseCode | None = None
    location: Location | None = None


def moved_fields(to: HouseholdMove) -> dict[str, Any]:
    """The household's columns after the move."""
    at = to.location
    return {
        "area_code": to.area_code,
        **to.address.model_dump(),
        "house_code": to.house_code,
        "latitude": at.latitude if at else None,
        "longitude": at.longitude if at else None,
    }


class HouseholdMerge(Value):
    duplicate_id: UUID
    """The household that is folded into the one of the path, and answers 308 from then on."""
    reason: Annotated[Text, Field(max_length=500)]


@dataclass(frozen=True, slots=True)
class HeldPair:
    """Both locked, with all their casework."""

    winner: Held
    loser: Held


@dataclass(frozen=True, slots=True)
class Survey:
    """The answers of a household's latest survey."""

    fiscal_year: int
    edition: str
    answers: Sequence[Answer]
